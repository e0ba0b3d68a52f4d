import { ExecutionStage, type SentOrder } from '../../../support/execution-stage';
import { Random, seed } from '../../../support/random';
import { comparable, RandomFlow } from '../../tasks/random-flow';
import { FollowingWorkers } from './following-workers';

const flow = `
@task A with (- {retry: {attempts: 3}, timeout: {start: 20s, run: 10s, total: 60s}} -)
@task D with (- {retry: {attempts: 2}, optional: skip} -)
A :a → { B | C → D } → > E;
:a → wait:delay(- duration: 5 -) → F catch G
@finally Clean`;

/** What may happen to an execution, each with its chance. */
async function step(run: ExecutionStage, random: Random): Promise<void> {
  const { waiting } = run;
  const order = waiting.length === 0 ? undefined : random.oneOf(waiting);
  const chance = random.next();
  if (chance < 0.04)
    await run.command({ kind: 'cancel', by: 'x', graceMs: random.upTo(20_000) }).catch(() => undefined);
  else if (chance < 0.05) await run.command({ kind: 'terminate', by: 'x' }).catch(() => undefined);
  else if (chance < 0.3) await run.pass(random.upTo(8_000));
  else if (chance < 0.4 && run.sent.length > 0) await run.succeed(random.oneOf(run.sent), { late: true });
  else if (order !== undefined && chance < 0.5) order.isTaken = true;
  else if (order !== undefined && chance < 0.65) await run.fail(order);
  else if (order !== undefined) await run.succeed(order, { of: order.name });
}

test('random orders of reports, failures, timeouts, cancels and resumes end in one outcome, and start nothing twice', async () => {
  const random = new Random(seed);
  for (let round = 0; round < 25; round++) {
    const run = new ExecutionStage({ random: () => random.next() });
    run.continuesAlways = random.next() < 0.5;
    await run.start(flow, { x: 1 });
    for (let resumes = 0; ; resumes++) {
      for (let count = 0; run.ended === undefined && count < 2_000; count++) await step(run, random);
      const { ended } = run;
      if (ended === undefined) throw new Error(`round ${round} does not end: ${JSON.stringify(run.snapshot().notes)}`);
      expect(run.kept).toEqual(ended);
      expect(Object.values(ended.state.steps).filter(({ status }) => status === 'running')).toEqual([]);
      assertStartedOnce(run.sent);
      if (ended.state.outcome?.status === 'completed' || resumes === 5) break;
      const succeeded = Object.entries(ended.state.steps).filter(([, { status }]) => status === 'succeeded');
      const before = run.sent.length;
      await run.resume();
      const again = run.sent.slice(before).map(({ step: id }) => id);
      expect(succeeded.map(([id]) => id).filter((id) => again.includes(id) && !isBranch(run, id))).toEqual([]);
    }
  }
});

/** One message for each attempt of a step in a run. */
function assertStartedOnce(sent: readonly SentOrder[]): void {
  const ids = sent.map(({ run, step: id, attempt }) => `${run}/${id}/${attempt}`);
  expect(new Set(ids).size).toBe(ids.length);
}

/** Steps of `catch` and `@finally` run again with what they belong to. */
function isBranch(run: ExecutionStage, id: string): boolean {
  const node = run.snapshot().graph.nodes[Number.parseInt(id, 10)];
  return node?.kind === 'task' && (node.name === 'Clean' || node.name === 'G');
}

test('workers that go on with what follows, die and report in any order end random flows as workers that do not', async () => {
  const random = new Random(seed);
  for (let round = 0; round < 40; round++) {
    const flow = new RandomFlow(random).text();
    const plain = await endOf(flow, random, { follow: 0, die: 0 });
    for (const chances of [
      { follow: 1, die: 0 },
      { follow: 0.7, die: 0.1 },
    ]) {
      const result = await endOf(flow, random, chances);
      expect({ flow, ...result }).toEqual({ flow, ...plain });
    }
  }
});

async function endOf(flow: string, random: Random, chances: ConstructorParameters<typeof FollowingWorkers>[2]) {
  const run = new ExecutionStage({ random: () => random.next() });
  run.continuesAlways = random.next() < 0.3;
  await run.start(flow, { x: 1 });
  const workers = new FollowingWorkers(run, random, chances);
  while (run.ended === undefined) {
    if (await workers.step()) continue;
    throw new Error(`nothing moves any more: ${flow} ${JSON.stringify(run.snapshot().notes)}`);
  }
  assertStartedOnce(run.sent);
  const { outcome } = run.ended.state;
  const end = outcome?.status === 'completed' ? comparable(outcome.output) : outcome?.status;
  return { end, startedAgain: workers.startedAgain };
}
