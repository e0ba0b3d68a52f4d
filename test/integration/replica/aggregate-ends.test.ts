import type { FlowPlan } from '../../../lib/plan/flow-plan';
import { JetStreamFlowState } from '../../../runtime/adapters/jetstream/jetstream-flow-state';
import { numbered } from '../../support/host-run';
import { waitFor } from '../../support/wait-for';
import { planOf } from '../../unit/plan/planned';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { CodeFolder, numbersIn, type ReplicaRun, startReplica } from './replica-run';

let place: JetStreamPlace;
let folder: CodeFolder;

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
beforeEach(() => {
  folder = new CodeFolder();
});
afterEach(() => folder.remove());
afterAll(() => place.close());

/** Sums, in each language. A negative number ends the process unless the file `harmless` exists. */
const sums = {
  python: `import os, time
class run(ProcessFunction):
    def open(self, schema_in, ctx):
        self.sum = 0
        self.harmless = ctx.get_process_fn_meta()["harmless"]
    def process(self, event, ctx):
        if event["n"] < 0 and not os.path.exists(self.harmless):
            os._exit(3)
        self.sum += max(0, event["n"])
    def close(self):
        return {"n": self.sum}
`,
  javascript: `let sum = 0;
function run(ctx, event) {
  if (event.n < 0 && !require('node:fs').existsSync(ctx.meta.harmless)) process.exit(3);
  sum += Math.max(0, event.n);
}
function finish() { return { n: sum }; }`,
};
type Language = keyof typeof sums;

interface FlowProps {
  readonly language: Language;
  readonly count: number;
  readonly replicas?: number;
  /** A record that ends the process that gets it. */
  readonly poison?: number;
}

/** A source of the numbers below `count`, their sum, and a reader of the sum. */
function planSum(jobId: string, { language, count, replicas = 1, poison = -2 }: FlowProps): FlowPlan {
  const generate = `def run():\n    for n in range(${count}):\n        yield {"n": -1 if n == ${poison} else n}`;
  const fn = (id: string, meta: object) => ({ id, schema: numbered, meta: { name: 'run', maxDeliver: 2, ...meta } });
  const dag = [
    { ...fn('source', { code: generate }), type: 'raw-source', out: ['sum'] },
    {
      ...fn('sum', { language, code: sums[language], harmless: folder.file('harmless') }),
      type: 'raw',
      parallelism: replicas,
      out: ['leaf'],
    },
    { ...fn('leaf', { language: 'javascript', code: 'function run() {}' }), type: 'raw' },
  ];
  return planOf(JSON.stringify({ jobId, mode: 'batch', dag }));
}

const sumBelow = (count: number) => (count * (count - 1)) / 2;
const total = (numbers: readonly number[]) => numbers.reduce((sum, n) => sum + n, 0);

/** Runs the source to its end. */
async function runSourceOf(plan: FlowPlan): Promise<void> {
  const source = startReplica(place, plan, 'source');
  await waitFor('the source has ended', async () => (await place.streams.endedFunctions(plan)).includes('source'));
  await source.stop();
}

async function stateOf(plan: FlowPlan): Promise<JetStreamFlowState> {
  return JetStreamFlowState.of(place.connection, plan.stateBucket);
}

/** Resolves when the function has acked this many records. */
async function acked(plan: FlowPlan, least: number): Promise<void> {
  await waitFor(`${least} records are acked`, async () => {
    const [, sum] = await place.streams.progress(plan);
    return (sum?.inputs[0]?.acked ?? 0) >= least;
  });
}

describe.each(['python', 'javascript'] as const)('the aggregate of a function in %s', (language) => {
  const streamOf = (plan: FlowPlan) => `kflow_default_${plan.jobId}_sum`;

  test('is stored before the stream is sealed', async () => {
    const plan = planSum(`whole-${language}`, { language, count: 500 });
    await place.streams.provision(plan);
    await runSourceOf(plan);
    await startReplica(place, plan, 'sum').ended;
    expect(await numbersIn(place, streamOf(plan))).toEqual([sumBelow(500)]);
    const state = await stateOf(plan);
    expect([await state.sealedAt(streamOf(plan)), await state.notedStates('sum')]).toEqual([1, []]);
    await startReplica(place, plan, 'sum').ended; // a restart after the end adds nothing
    expect(await place.count(streamOf(plan))).toBe(1);
  });

  test('comes in one part of each replica, and the last of them seals the stream', async () => {
    const plan = planSum(`parts-${language}`, { language, count: 300, replicas: 2 });
    await place.streams.provision(plan);
    await runSourceOf(plan);
    await startReplica(place, plan, 'sum', { replica: 1 }).ended;
    const state = await stateOf(plan);
    expect(await state.sealedAt(streamOf(plan))).toBeUndefined();
    await startReplica(place, plan, 'sum', { replica: 0 }).ended;
    expect(await state.sealedAt(streamOf(plan))).toBe(2);
    expect(total(await numbersIn(place, streamOf(plan)))).toBe(sumBelow(300));
  });

  test('comes in parts that add up when its replicas stop in between', async () => {
    const plan = planSum(`stops-${language}`, { language, count: 200 });
    await place.streams.provision(plan);
    const source = startReplica(place, plan, 'source', { env: {} });
    await waitFor('the source has ended', async () => (await place.streams.endedFunctions(plan)).includes('source'));
    await source.stop();
    const stopped: ReplicaRun[] = [];
    for (const least of [1, 60]) {
      const replica = startReplica(place, plan, 'sum');
      stopped.push(replica);
      await acked(plan, least);
      await replica.stop();
    }
    await startReplica(place, plan, 'sum').ended;
    expect(total(await numbersIn(place, streamOf(plan)))).toBe(sumBelow(200));
  });
});

describe.each(['python', 'javascript'] as const)('a process of %s that is killed', (language) => {
  const streamOf = (plan: FlowPlan) => `kflow_default_${plan.jobId}_sum`;

  test('leaves an aggregate that is never taken for whole when records were acked', async () => {
    const plan = planSum(`lost-${language}`, { language, count: 40, poison: 39 });
    await place.streams.provision(plan);
    await runSourceOf(plan);
    const replica = startReplica(place, plan, 'sum');
    await expect(replica.ended).rejects.toMatchObject({ name: 'ConfigError', code: 'state-lost' });
    folder.open('harmless'); // the code is mended, but the state is lost
    const next = startReplica(place, plan, 'sum');
    await expect(next.ended).rejects.toThrow(/replica 0 ended before its aggregate was stored/);
    const state = await stateOf(plan);
    expect([await state.sealedAt(streamOf(plan)), await place.count(streamOf(plan))]).toEqual([undefined, 0]);
  });

  test('leaves an aggregate that is whole when no record of its was acked', async () => {
    const plan = planSum(`early-${language}`, { language, count: 30, poison: 0 });
    await place.streams.provision(plan);
    await runSourceOf(plan);
    folder.open('harmless');
    await startReplica(place, plan, 'sum').ended;
    expect(await numbersIn(place, streamOf(plan))).toEqual([sumBelow(30)]);
  });
});
