import { whyNotReady } from '../../../runtime/controller/readiness';

const answers = { ping: async () => undefined };
const fails = {
  ping: async () => {
    throw new Error('connection refused');
  },
};
const hangs = { ping: () => new Promise<void>(() => undefined) };
const running = { isRunning: () => true };
const guard = { refusals: [] };

test('is ready when Temporal and NATS respond and the worker is running', async () => {
  expect(await whyNotReady({ workflows: answers, store: answers, worker: running, guard })).toEqual([]);
});

test('names each server that fails or does not respond, and a worker that is not running', async () => {
  const worker = { isRunning: () => false };
  expect(await whyNotReady({ workflows: fails, store: hangs, worker, guard, timeoutMs: 10 })).toEqual([
    'Temporal: connection refused',
    'NATS did not respond within 0.01 s',
    'the Temporal worker is not running',
  ]);
});

test('requires each of them', async () => {
  const parts = { workflows: answers, store: answers, worker: running, guard };
  expect(await whyNotReady({ ...parts, workflows: fails })).toHaveLength(1);
  expect(await whyNotReady({ ...parts, store: fails })).toHaveLength(1);
  expect(await whyNotReady({ ...parts, worker: { isRunning: () => false } })).toHaveLength(1);
  expect(await whyNotReady({ ...parts, guard: { refusals: ['Kubernetes refuses the credentials'] } })).toEqual([
    'Kubernetes refuses the credentials',
  ]);
});
