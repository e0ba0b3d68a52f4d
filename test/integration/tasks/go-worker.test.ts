import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { taskStream } from '../../../lib/plan/task-names';
import { readWorkers } from '../../../runtime/adapters/jetstream/tasks/worker-directory';
import { waitFor } from '../../support/wait-for';
import { TaskPlace } from './task-place';

/** The worker of examples/task-worker-go: it has nothing of KFlow but docs/task-protocol.md. */
const example = path.join(__dirname, '../../../examples/task-worker-go');
const folder = mkdtempSync(path.join(tmpdir(), 'kflow-go-'));

let place: TaskPlace;
let worker: ChildProcess;
let ended: Promise<number | null>;

beforeAll(async () => {
  const program = path.join(folder, 'worker');
  execFileSync('go', ['build', '-o', program, '.'], { cwd: example, stdio: 'pipe' });
  place = await TaskPlace.start();
  const env = { ...process.env, KFLOW_NATS_URL: place.nats.url, KFLOW_NAMESPACE: 'prod' };
  worker = spawn(program, { env, stdio: 'ignore' });
  ended = new Promise((resolve) => worker.on('exit', resolve));
});

afterAll(async () => {
  worker.kill('SIGKILL');
  await place.close();
  rmSync(folder, { recursive: true, force: true });
});

test('runs tasks, and reports failures', async () => {
  expect(await place.outputOf(await place.send('gopher:upper', { input: { text: 'abc' } }))).toEqual({ text: 'ABC' });
  expect(await place.errorOf(await place.send('gopher:upper'))).toMatchObject({ code: 'no-text', isTerminal: true });
  expect(await place.errorOf(await place.send('gopher:lower'))).toMatchObject({ code: 'task-unknown' });
});

test('leaves a message of another version to a worker that knows it', async () => {
  const id = await place.send('gopher:upper', { v: 2 } as object);
  const consumer = () => place.manager.consumers.info(taskStream('prod'), 'gopher');
  await waitFor('its delivery', consumer, ({ delivered }) => delivered.consumer_seq > 0);
  await waitFor('the others', consumer, ({ num_ack_pending }) => num_ack_pending === 1);
  expect(place.results.some((result) => result.id === id)).toBe(false);
  await place.nats.manager.streams.purge(taskStream('prod'));
});

test('takes and returns large values as claims', async () => {
  const text = 'x'.repeat(100_000);
  const claim = await place.claimOf({ text });
  const output = await place.outputOf(await place.send('gopher:upper', { input: claim }));
  expect(await place.valueOf(output)).toEqual({ text: text.toUpperCase() });
});

test('ends a task that is canceled, or runs for too long, and sends a receipt where one is wanted', async () => {
  const canceled = await place.send('gopher:sleep', { wantsReceipt: true });
  await waitFor('the receipt', () => place.results.some(({ id, kind }) => id === canceled && kind === 'receipt'));
  place.cancel(canceled, 'gopher');
  expect(await place.errorOf(canceled)).toMatchObject({ code: 'canceled', isTerminal: true });
  const late = await place.send('gopher:sleep', { timeouts: { runMs: 50 } });
  expect(await place.errorOf(late)).toMatchObject({ code: 'run-timeout' });
});

test('is listed while it lives, and ends its tasks before it stops', async () => {
  await waitFor('the entry', async () => (await readWorkers(place.connection, 'prod', 'gopher')).length === 1);
  const id = await place.send('gopher:sleep', { parameters: { for: 0.2 }, wantsReceipt: true });
  await waitFor('the receipt', () => place.results.some((result) => result.id === id));
  worker.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(await place.resultOf(id)).toMatchObject({ kind: 'succeeded' });
  expect(await readWorkers(place.connection, 'prod', 'gopher')).toEqual([]);
  expect(await place.nats.count(taskStream('prod'))).toBe(0);
});
