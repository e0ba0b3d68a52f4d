import { WorkerStage } from './worker-stage';

let stage: WorkerStage;

beforeEach(async () => {
  jest.useFakeTimers();
  stage = new WorkerStage();
  await stage.start();
});

afterEach(() => jest.useRealTimers());

const pass = (seconds: number) => jest.advanceTimersByTimeAsync(seconds * 1_000);
const following = (step: string, task = 'mail:send') => ({
  id: `e/1/${step}/1/1/1`,
  token: `token of ${step}`,
  step,
  task,
  name: task,
  attempt: 1,
});

/** Delivers a task that two others follow. */
async function deliver(delivery: Parameters<WorkerStage['deliver']>[1] = {}): Promise<string[]> {
  const answers = stage.deliver({ input: 1, next: [following('2'), following('3')] }, delivery);
  await pass(0);
  return answers;
}

async function returns(output: unknown): Promise<void> {
  stage.returns(output);
  await pass(0);
}

/** The server stores every result that was published. */
async function store(): Promise<void> {
  for (const index of stage.results.keys()) stage.publisher.store(index);
  await pass(0);
}

test('what follows runs while the result before it is being stored, and the message is acked after the last result', async () => {
  const answers = await deliver();
  await returns('one');
  expect(stage.host.records).toHaveLength(2);
  expect(stage.worker.inFlight).toBe(1);
  await returns('two');
  await returns('three');
  expect(answers).not.toContain('ack');
  await store();
  expect(answers.at(-1)).toBe('ack');
  expect(stage.worker.inFlight).toBe(0);
  expect(stage.results).toMatchObject([
    { id: 'e/1/1/1', kind: 'succeeded', output: 'one', continues: true },
    { id: 'e/1/2/1/1/1', token: 'token of 2', kind: 'succeeded', output: 'two', continues: true },
    { id: 'e/1/3/1/1/1', token: 'token of 3', kind: 'succeeded', output: 'three' },
  ]);
  expect(stage.results[2]).not.toHaveProperty('continues');
  expect(new Set(stage.publisher.sent.map(({ id }) => id)).size).toBe(3);
});

test.each([
  ['nothing follows a failure', async () => stage.fails()],
  [
    'nothing follows a task that was canceled, and succeeds nevertheless',
    async () => {
      stage.cancel();
      await returns('one');
    },
  ],
  [
    'nothing follows when the next one was canceled before',
    async () => {
      stage.cancel('e/1/2/1/1/1');
      await returns('one');
    },
  ],
  [
    'nothing follows in a worker that stops',
    async () => {
      void stage.worker.stop(10_000);
      await pass(0);
      await returns('one');
    },
  ],
])('%s', async (_, end) => {
  const answers = await deliver();
  await end();
  await pass(0);
  await store();
  expect(stage.results).toHaveLength(1);
  expect(stage.results[0]).not.toHaveProperty('continues');
  expect(stage.host.records).toHaveLength(1);
  expect(answers.at(-1)).toBe('ack');
});

test('nothing follows in a message that was delivered again since', async () => {
  await deliver();
  const answers = await deliver({ deliveries: 2 });
  await returns('one');
  await store();
  expect(stage.results).toHaveLength(1);
  expect(stage.results[0]).not.toHaveProperty('continues');
  expect(answers.at(-1)).toBe('ack');
});

test('a worker goes on up to a task that it does not have', async () => {
  const answers = stage.deliver({ next: [following('2'), following('3', 'mail:other')] });
  await pass(0);
  await returns('one');
  await returns('two');
  await store();
  expect(stage.results).toMatchObject([{ continues: true }, { output: 'two' }]);
  expect(stage.results[1]).not.toHaveProperty('continues');
  expect(answers.at(-1)).toBe('ack');
});

test.each([
  ['was delivered before', { deliveries: 2 }],
  ['was stored before the worker connected', { isRepeated: true }],
])('a message that %s is run alone, after a question', async (_, delivery) => {
  const answers = await deliver(delivery);
  expect(stage.heartbeats[0]).toMatchObject({ id: 'e/1/1/1', token: 't', lease: 'begins' });
  await returns('one');
  await store();
  expect(stage.results).toHaveLength(1);
  expect(stage.results[0]).not.toHaveProperty('continues');
  expect(answers.at(-1)).toBe('ack');
});

test.each([
  ['of the running task', 'e/1/2/1/1/1'],
  ['of the task before it', 'e/1/1/1'],
])('a cancel %s ends what runs', async (_, id) => {
  const answers = await deliver();
  await returns('one');
  stage.cancel(id);
  await pass(31);
  await store();
  expect(stage.results).toMatchObject([
    { continues: true },
    { id: 'e/1/2/1/1/1', kind: 'failed', error: { code: 'canceled' } },
  ]);
  expect(answers.at(-1)).toBe('ack');
});

test('what is canceled while its values are loaded does not run', async () => {
  const answers = await deliver();
  let load: () => void = () => undefined;
  stage.loading = new Promise((resolve) => {
    load = () => resolve(undefined);
  });
  await returns('one');
  stage.cancel('e/1/2/1/1/1');
  load();
  await pass(0);
  await store();
  expect(stage.host.records).toHaveLength(1);
  expect(stage.results).toMatchObject([{ continues: true }, { kind: 'failed', error: { code: 'canceled' } }]);
  expect(answers.at(-1)).toBe('ack');
});

test('a heartbeat is of the task that runs', async () => {
  await deliver();
  await returns('one');
  await store();
  stage.heartbeats.length = 0;
  await pass(16);
  expect(stage.heartbeats).toMatchObject([{ id: 'e/1/2/1/1/1', token: 'token of 2', worker: 'one' }]);
});

test('a worker that ends in the middle gives the message back', async () => {
  const answers = await deliver();
  await returns('one');
  await store();
  void stage.worker.stop(0);
  await pass(5);
  expect(answers.at(-1)).toBe('nak 0');
});
