import { StoreError } from '../../../lib/errors';
import type { WorkerEntry } from '../../../runtime/api-contract/task-message';
import { WorkerStage } from './worker-stage';

let stage: WorkerStage;

beforeEach(async () => {
  jest.useFakeTimers();
  stage = new WorkerStage();
  await stage.start();
});

afterEach(() => jest.useRealTimers());

/** Lets so many seconds pass. */
const pass = (seconds: number) => jest.advanceTimersByTimeAsync(seconds * 1_000);
const never = new Promise<undefined>(() => undefined);

describe('while a large input is loaded', () => {
  test('the lease is renewed, and the task keeps its place', async () => {
    let loaded: (value: unknown) => void = () => undefined;
    stage.loading = new Promise((resolve) => {
      loaded = resolve;
    });
    const answers = stage.deliver({ input: 1 });
    await pass(60);
    expect(new Set(answers)).toEqual(new Set(['working']));
    expect(answers.length).toBeGreaterThanOrEqual(60 / 5 - 1);
    loaded({ a: 1 });
    await pass(1);
    expect(stage.host.records).toHaveLength(1);
  });

  test('the heartbeats that the code could not send yet are sent', async () => {
    stage.loading = never;
    stage.deliver({ timeouts: { heartbeatMs: 3_000 } });
    await pass(9);
    expect(stage.heartbeats.length).toBeGreaterThanOrEqual(6);
  });

  test('a run time that ends fails the attempt, and allows another', async () => {
    let loaded: (value: unknown) => void = () => undefined;
    stage.loading = new Promise((resolve) => {
      loaded = resolve;
    });
    stage.deliver({ timeouts: { runMs: 1_000 } });
    await pass(10);
    loaded({});
    await pass(1);
    expect(stage.results).toMatchObject([{ kind: 'failed', error: { code: 'run-timeout' } }]);
    expect(stage.results[0]).not.toMatchObject({ error: { isTerminal: true } });
  });

  test('an input that is not there fails the task', async () => {
    stage.loading = Promise.reject(new StoreError('store-failed', 'gone', { isFinal: true }));
    stage.deliver({ input: 1 });
    await pass(1);
    expect(stage.results).toMatchObject([{ kind: 'failed', error: { code: 'message-invalid', isTerminal: true } }]);
  });
});

describe('while a large output is stored', () => {
  test('a task that is aborted ends with its result, and the worker goes on', async () => {
    let stored: (value: unknown) => void = () => undefined;
    stage.storing = new Promise((resolve) => {
      stored = resolve;
    });
    const answers = stage.deliver();
    await pass(1);
    stage.returns('large');
    stage.cancel();
    await pass(60);
    expect(stage.broken).toEqual([]);
    stored(undefined);
    await pass(1);
    stage.publisher.store(0);
    await pass(0);
    expect(stage.results).toMatchObject([{ kind: 'succeeded', output: 'large' }]);
    expect(answers.at(-1)).toBe('ack');
  });

  test('heartbeats are sent in place of the code', async () => {
    stage.storing = never;
    stage.deliver({ timeouts: { heartbeatMs: 3_000 } });
    await pass(1);
    stage.returns('large');
    await pass(9);
    expect(stage.heartbeats.length).toBeGreaterThanOrEqual(6);
  });
});

test('the code itself has to send the heartbeats while it runs', async () => {
  stage.deliver({ timeouts: { heartbeatMs: 3_000 } });
  await pass(60);
  expect(stage.heartbeats).toEqual([]);
});

describe('a task that was delivered before', () => {
  test('waits as often as it takes, and is lost only when workers that began it are', async () => {
    for (const begun of [undefined, 0, 5]) {
      stage.answer = begun === undefined ? undefined : { isCanceled: false, begun };
      const answers = stage.deliver({}, { deliveries: 50 });
      await pass(0);
      expect(stage.heartbeats.at(-1)).toMatchObject({ lease: 'begins' });
      if (begun === undefined) expect(answers).toEqual(['nak 5000']);
      else {
        stage.returns(begun);
        await pass(0);
        stage.publisher.store(stage.results.length - 1);
        await pass(0);
        expect(answers).toEqual(['ack']);
      }
    }
    stage.answer = { isCanceled: false, begun: 6 };
    stage.deliver({}, { deliveries: 50 });
    await pass(0);
    expect(stage.results.map(({ kind }) => kind)).toEqual(['succeeded', 'succeeded', 'failed']);
    expect(stage.results.at(-1)).toMatchObject({ error: { code: 'worker-lost', isTerminal: true } });
  });

  test('says so when it is given back', async () => {
    const answers = stage.deliver();
    await pass(0);
    const stopped = stage.worker.stop(1);
    await pass(1);
    await stopped;
    expect(answers).toEqual(['nak 0']);
    expect(stage.heartbeats).toMatchObject([{ id: 'e/1/1/1', lease: 'returns' }]);
  });
});

describe('a task that this worker does not have', () => {
  const entryOf = (tasks: WorkerEntry['tasks']) => ({ tasks }) as WorkerEntry;

  test.each(['pack', '*'])('waits while a worker of the last minute has %s', async (name) => {
    stage.others = [entryOf({}), entryOf({ [name]: {} })];
    expect(await answersOf({ task: 'mail:pack' })).toEqual(['nak 1000']);
    expect(stage.heartbeats).toEqual([]); // it has not begun
  });

  test('fails at once when none has', async () => {
    stage.others = [entryOf({ send: {} })];
    await answersOf({ task: 'mail:pack' });
    expect(stage.results).toMatchObject([{ kind: 'failed', error: { code: 'task-unknown', isTerminal: true } }]);
  });
});

test('a message of another version is left to a worker that knows it', async () => {
  expect(await answersOf({ v: 2 })).toEqual(['nak 5000']);
});

async function answersOf(message: Parameters<WorkerStage['deliver']>[0]): Promise<string[]> {
  const answers = stage.deliver(message);
  await pass(0);
  return answers;
}
