import { LifePlace } from '../support/life-place';
import type { NumberFlow } from '../support/number-flow';
import { StatusWatch } from '../support/status-watch';

/** The status of unhealthy flows, and of flows whose processes are killed. */
let life: LifePlace;

beforeAll(async () => {
  life = await LifePlace.up();
});

afterAll(async () => {
  await life?.close();
});

const said = (by: string, numbers: readonly number[]) => numbers.map((n) => ({ n, by }));

/** Waits for a problem of the function `first`, the flow's only one. */
async function ill(flow: NumberFlow, state: string, problem: object): Promise<void> {
  // The last output of a replica is known a moment after its end.
  const wanted = expect.objectContaining({
    state,
    problems: [expect.objectContaining({ function: 'first', ...problem })],
  });
  await life.stack.until(flow.name, `to be ${state}`, ({ health }) => wanted.asymmetricMatch(health));
}

async function crashing(): Promise<void> {
  const flow = life.flow('exits', 'batch');
  const first = flow.process('first', { out: ['sink'], load: "console.error('the disk is gone'); process.exit(3);" });
  await life.submit(flow, flow.document(flow.source(3, ['first']), first, flow.sink()));
  const message = expect.stringMatching(/^exit 1: .*the disk is gone/);
  await ill(flow, 'unhealthy', { replica: 'first-0', reason: 'CrashLoopBackOff', message });
  const { reason } = await life.closed(flow, 'Failed');
  expect(reason).toMatch(/^first: .*the disk is gone/);
}

async function poisoned(): Promise<void> {
  const flow = life.flow('poison', 'stream');
  const work = "if (event.n === 3) throw new Error('three is bad');";
  const first = flow.process('first', { out: ['sink'], work, meta: { maxDeliver: 1_000 } });
  await life.submit(flow, flow.document(flow.source(5, ['first']), first, flow.sink()));
  const message = expect.stringContaining('three is bad');
  await ill(flow, 'unhealthy', { replica: 'first-0', reason: 'PoisonRecord', message });
}

async function deadLettered(): Promise<void> {
  const flow = life.flow('letters', 'stream');
  const work = "if (event.n === 3) throw new Error('three is bad');";
  const first = flow.process('first', { out: ['sink'], work, meta: { maxDeliver: 1 } });
  await life.submit(flow, flow.document(flow.source(5, ['first']), first, flow.sink()));
  await ill(flow, 'degraded', { reason: 'DeadLetters' });
  await life.processed(flow, 'sink', 4);
  expect(await life.ledger(flow)).toEqual(said('first', [0, 1, 2, 4]));
}

async function unloadable(): Promise<void> {
  const flow = life.flow('unloadable', 'stream');
  const first = flow.process('first', { out: ['sink'], load: "throw new Error('not today');" });
  await life.submit(flow, flow.document(flow.source(5, ['first']), first, flow.sink()));
  const message = expect.stringMatching(/^exit 78: .*not today/);
  await ill(flow, 'unhealthy', { replica: 'first-0', reason: 'CrashLoopBackOff', message });
}

async function givenUp(): Promise<void> {
  const flow = life.flow('given-up', 'batch');
  const made = (id: string, out: string, work: string) =>
    flow.process(id, { out: [out], work, meta: { maxDeliver: 2 } });
  const document = flow.document(
    flow.source(6, ['first']),
    made('first', 'second', "if (event.n === 2) throw new Error('two is bad');"),
    made('second', 'sink', "if (event.n === 4) return { n: 'four', by: '' };"),
    flow.sink(),
  );
  await life.submit(flow, document);
  const { reason } = await life.closed(flow, 'Completed');
  expect(reason).toBe('completed with dead letters of first (1 record), second (1 record)');
  expect(await life.ledger(flow)).toEqual(said('second', [0, 1, 3, 5]));
}

test('each problem is reported with its function, its reason and the message of the code', async () => {
  // Concurrently: all of them mostly wait.
  await Promise.all([crashing(), poisoned(), deadLettered(), unloadable(), givenUp()]);
});

test('the status is never wrong for longer than 5 s on an idle machine, though replicas and the controller are killed', async () => {
  const flow = life.flow('watched', 'stream');
  const first = flow.process('first', { out: ['sink'], parallelism: 2 });
  await life.submit(flow, flow.document(flow.source(100_000, ['first'], { rate: 50 }), first, flow.sink()));
  const watch = new StatusWatch(life.stack, flow.name);
  watch.expect('Running');
  await life.calm(flow);
  for (const id of ['source', 'first', 'sink']) life.stack.killReplica(flow.name, id);
  await life.stack.until(flow.name, 'to be ill', (status) => !LifePlace.isCalm(status));
  await life.calm(flow);
  const killed = async (act: Promise<unknown>) => {
    life.stack.kill('controller');
    await act;
  };
  await killed(life.request(flow, 'pause'));
  watch.expect('Pausing', 'Paused');
  await life.inPhase(flow, 'Paused');
  await life.request(flow, 'resume');
  watch.expect('Running');
  await life.calm(flow);
  await killed(life.request(flow, 'scale', { replicas: { first: 3 } }));
  await life.ready(flow, 'first', 3);
  await killed(life.stack.call('DELETE', `/kflows/v1/${flow.name}/stop=true`));
  watch.expect('Stopping', 'Stopped');
  await life.closed(flow, 'Stopped');
  expect(await watch.wrongFor(5_000 * watch.slowness)).toEqual([]);
  expect(watch.polls).toBeGreaterThan(0);
});
