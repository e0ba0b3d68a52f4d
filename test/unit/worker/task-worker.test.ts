import { StoreError } from '../../../lib/errors';
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
