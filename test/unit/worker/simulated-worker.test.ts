import { SimulatedWorker, type SimulatedWorkerProps } from '../../../runtime/worker/simulated-worker';
import { waitFor } from '../../support/wait-for';
import { LinksStage } from './worker-stage';

let worker: SimulatedWorker;

async function started(more: Partial<SimulatedWorkerProps> = {}): Promise<LinksStage> {
  const stage = new LinksStage();
  const { links, log } = stage;
  const place = { namespace: 'default', taskNamespace: 'mail', worker: 'one' };
  worker = new SimulatedWorker({ ...place, links, log, periodMs: 0, failures: 0, random: () => 0.5, ...more });
  await worker.start();
  return stage;
}

afterEach(() => worker.stop(0));

/** Waits for the next result, and stores it. */
async function stored(stage: LinksStage, count = 1) {
  await waitFor('a result', () => stage.results.length === count);
  stage.publisher.store(count - 1);
  return stage.results.at(-1);
}

/** Delivers a task, and waits for its result. */
async function resultOf(stage: LinksStage, message: Parameters<LinksStage['deliver']>[0]) {
  const count = stage.results.length + 1;
  const answers = stage.deliver(message);
  const result = await stored(stage, count);
  await waitFor('the ack', () => answers.includes('ack'));
  return result;
}

test('every task passes its input on', async () => {
  const stage = await started();
  const result = await resultOf(stage, { task: 'mail:any-thing', input: { n: 1 } });
  expect(result).toMatchObject({ kind: 'succeeded', output: { n: 1 }, worker: 'one' });
  expect(stage.entries).toMatchObject([{ taskNamespace: 'mail', tasks: { '*': {} }, language: 'simulated' }]);
});

test('before a map, the output is a list', async () => {
  const stage = await started();
  expect(await resultOf(stage, { input: { n: 1 }, wantsList: true })).toMatchObject({ output: [{ n: 1 }] });
  expect(await resultOf(stage, { input: [1, 2], wantsList: true })).toMatchObject({ output: [1, 2] });
  expect(await resultOf(stage, { wantsList: true })).toMatchObject({ output: [{}] });
});

test('a share of attempts fails, so that another one may be made', async () => {
  const draws = [0, 0.2, 0, 0.3];
  const stage = await started({ failures: 0.3, random: () => draws.shift() ?? 0 });
  const error = { code: 'simulated', message: 'a failure of the simulation' };
  expect(await resultOf(stage, {})).toMatchObject({ kind: 'failed', error });
  expect(await resultOf(stage, {})).toMatchObject({ kind: 'succeeded' });
});

test('a task that takes longer than it may run fails with run-timeout', async () => {
  const stage = await started({ periodMs: 60_000 });
  expect(await resultOf(stage, { timeouts: { runMs: 1 } })).toMatchObject({ error: { code: 'run-timeout' } });
});

const begun = (stage: LinksStage) =>
  waitFor('the begin of the task', () => stage.logs.some((line) => line.includes('begins')));

test('a canceled task ends at once', async () => {
  const stage = await started({ periodMs: 60_000 });
  const answers = stage.deliver();
  await begun(stage);
  stage.cancel();
  expect(await stored(stage)).toMatchObject({ kind: 'failed', error: { code: 'canceled', isTerminal: true } });
  await waitFor('the ack', () => answers.includes('ack'));
});

test('a worker that stops lets tasks end, and gives back those that take longer', async () => {
  const stage = await started({ periodMs: 200 });
  const ended = stage.deliver();
  await begun(stage);
  const stopped = worker.stop(60_000);
  expect(await stored(stage)).toMatchObject({ kind: 'succeeded' });
  await stopped;
  expect(ended).toContain('ack');
  const late = await started({ periodMs: 60_000 });
  const given = late.deliver();
  await begun(late);
  await worker.stop(0);
  expect([given.at(-1), late.results]).toEqual(['nak 0', []]);
});
