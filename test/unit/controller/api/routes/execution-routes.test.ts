import type { FastifyInstance } from 'fastify';
import type { MemoryExecutions } from '../../../../support/memory-executions';
import { apiWith } from '../support';

let app: FastifyInstance;
let executions: MemoryExecutions;
beforeEach(async () => {
  ({ app, executions } = await apiWith());
});
afterEach(() => app.close());

const base = '/executions/v1/demo';
const keyOf = (execution: string) => ({ namespace: 'demo', execution });
const get = async (url: string) => (await app.inject(url)).json();
const post = (url: string, payload: object = {}) => app.inject({ method: 'POST', url, payload });

test('a start answers 201 with the place of the execution, and a second one with the same id attaches', async () => {
  const body = {
    flow: '@flow two; A → B',
    id: 'one',
    input: { n: 1 },
    attributes: { customer: 'eva' },
    comment: 'why',
  };
  const first = await post(base, body);
  expect([first.statusCode, first.headers.location]).toEqual([201, `${base}/one`]);
  expect(first.json()).toMatchObject({ execution: 'one', name: 'two', status: 'Running', outcome: 'started' });
  const second = await post(base, body);
  expect([second.statusCode, second.json().outcome]).toEqual([200, 'attached']);
  expect(executions.requests[0]).toEqual({ what: 'start', by: 'anonymous', comment: 'why' });
});

test('a start with an invalid task flow answers 422 with every problem', async () => {
  const { statusCode, body } = await post(base, { flow: 'A → :end → B; C :x :x' });
  const { problems } = JSON.parse(body);
  expect([statusCode, problems[0]]).toEqual([422, expect.objectContaining({ line: 1, severity: 'error' })]);
});

test('a start with an unknown field or an id that is none is refused', async () => {
  const unknown = await post(base, { flow: 'A', inputs: {} });
  expect([unknown.statusCode, unknown.json().detail]).toEqual([400, 'body: unknown key "inputs"']);
  const bad = await post(base, { flow: 'A', id: 'a b' });
  expect([bad.statusCode, bad.json().detail]).toEqual([400, expect.stringContaining('body.id: must have 1 to 128')]);
});

test('an input may be larger than other bodies', async () => {
  const input = { text: 'x'.repeat(5_000_000) };
  expect((await post(base, { flow: 'A', id: 'large', input })).statusCode).toBe(201);
  expect((await executions.get(keyOf('large'))).input).toEqual(input);
});

test('a list has pages, and is narrowed by status, name and attributes', async () => {
  for (const [id, customer] of [
    ['a', 'eva'],
    ['b', 'tom'],
    ['c', 'eva'],
  ]) {
    await post(base, { flow: '@flow f; A', id, attributes: { customer } });
  }
  executions.end(keyOf('a'), 'A');
  const first = await app.inject(`${base}?limit=2`);
  expect(first.json().map(({ execution }: { execution: string }) => execution)).toEqual(['c', 'b']);
  const rest = await get(`${base}?limit=2&continue=${first.headers['kflow-continue']}`);
  expect(rest.map(({ execution }: { execution: string }) => execution)).toEqual(['a']);
  const evas = await get(`${base}?attribute=customer%3Deva&status=Running&name=f`);
  expect(evas.map(({ execution }: { execution: string }) => execution)).toEqual(['c']);
});

test('an execution is shown with its steps and its trace', async () => {
  await post(base, { flow: 'A → B', id: 'one' });
  executions.end(keyOf('one'), 'A', { a: 1 });
  const { status, steps } = await get(`${base}/one`);
  expect(status).toBe('Running');
  expect(steps).toContainEqual(
    expect.objectContaining({ step: '1', name: 'A', status: 'succeeded', output: { a: 1 } }),
  );
  const trace = await get(`${base}/one/trace`);
  expect(trace).toContainEqual(expect.objectContaining({ step: '2', what: 'started' }));
  const missing = await app.inject(`${base}/two`);
  expect([missing.statusCode, missing.json().code]).toEqual([404, 'execution-missing']);
});

test('a watch sends the state after each change until the execution has ended', async () => {
  await post(base, { flow: 'A', id: 'one' });
  const watching = app.inject({ url: `${base}/one/watch` });
  setImmediate(() => executions.end(keyOf('one'), 'A'));
  const statuses = [...(await watching).body.matchAll(/^data: (.*)$/gm)].map(
    ([, data = '']) => JSON.parse(data).status,
  );
  expect(statuses.at(-1)).toBe('Completed');
});

test('a wait answers 202 until the execution has ended, then 200', async () => {
  await post(base, { flow: 'A', id: 'one' });
  const early = await app.inject(`${base}/one/wait?seconds=0`);
  expect([early.statusCode, early.json().status]).toEqual([202, 'Running']);
  executions.end(keyOf('one'), 'A');
  const late = await app.inject(`${base}/one/wait?seconds=30`);
  expect([late.statusCode, late.json().status]).toEqual([200, 'Completed']);
});

test('a canceled execution ends with its running step, and a resume runs only what has not succeeded', async () => {
  await post(base, { flow: 'A → B → C', id: 'one' });
  executions.end(keyOf('one'), 'A', { a: 1 });
  const canceled = await post(`${base}/one/cancel`, { comment: 'too slow' });
  expect([canceled.statusCode, canceled.json().status]).toEqual([202, 'Stopping']);
  expect((await post(`${base}/one/resume`)).statusCode).toBe(409);
  executions.end(keyOf('one'), 'B');
  expect((await get(`${base}/one`)).status).toBe('Stopped');
  const resumed = await post(`${base}/one/resume`);
  expect(resumed.json()).toMatchObject({ status: 'Running', run: 2 });
  executions.end(keyOf('one'), 'C');
  expect((await get(`${base}/one`)).status).toBe('Completed');
});

test('a terminated execution ends at once, and only an admin may delete it', async () => {
  await post(base, { flow: 'A', id: 'one' });
  expect((await app.inject({ method: 'DELETE', url: `${base}/one` })).statusCode).toBe(409);
  expect((await post(`${base}/one/terminate`)).json().status).toBe('Stopped');
  expect((await app.inject({ method: 'DELETE', url: `${base}/one` })).json()).toEqual(keyOf('one'));
  const identify = async () => ({ name: 'tom', role: 'operate' }) as const;
  const own = await apiWith({ access: { kind: 'authenticated', authenticator: { identify } } });
  const headers = { authorization: 'Bearer x' };
  expect((await own.app.inject({ method: 'DELETE', url: `${base}/one`, headers })).statusCode).toBe(403);
  await own.app.close();
});

test('an archive is restored under another id', async () => {
  await post(base, { flow: 'A', id: 'one' });
  executions.end(keyOf('one'), 'A', { a: 1 });
  const archive = await get(`${base}/one/archive`);
  const restored = await post('/executions/restore/v1/demo', { archive, id: 'copy' });
  expect([restored.statusCode, restored.json().execution]).toEqual([201, 'copy']);
  expect((await get(`${base}/copy`)).steps).toEqual((await get(`${base}/one`)).steps);
});

test('a start with a schedule sets it, and it can be removed once', async () => {
  const schedule = { cron: '0 6 * * *', overlap: 'queue' };
  const set = await post(base, { flow: 'A', id: 'daily', schedule });
  expect([set.statusCode, set.json()]).toEqual([201, expect.objectContaining({ schedule: 'daily', timezone: 'UTC' })]);
  expect(await get('/executions/schedules/v1?namespace=demo')).toHaveLength(1);
  const remove = () => app.inject({ method: 'DELETE', url: '/executions/schedules/v1/demo/daily' });
  expect((await remove()).json()).toEqual({ namespace: 'demo', schedule: 'daily' });
  expect((await remove()).json().code).toBe('schedule-missing');
});

test('events are stored, listed by kind, and followed', async () => {
  const url = '/executions/events/v1/demo';
  const stored = await post(url, { kind: 'ready', data: { id: 7 } });
  expect([stored.statusCode, stored.json()]).toEqual([201, expect.objectContaining({ kind: 'ready', receipts: [] })]);
  await post(url, { kind: 'other' });
  expect(await get(`${url}?kind=ready`)).toHaveLength(1);
  expect((await post(url, { kind: 'no kind' })).statusCode).toBe(400);
});

test('an attempt of a task is ended by its token, once', async () => {
  const url = '/executions/results/v1/demo';
  await post(base, { flow: '{ A B } → C', id: 'o1' });
  const ended = await post(url, { token: 'o1 A', output: { a: 1 } });
  expect([ended.statusCode, ended.json()]).toEqual([200, { status: 'ended' }]);
  const again = await post(url, { token: 'o1 A' });
  expect([again.statusCode, again.json().code]).toEqual([409, 'state-invalid']);
  const unknown = await post(url, { token: 'o2 A' });
  expect([unknown.statusCode, unknown.json().code]).toEqual([401, 'access-denied']);
  expect((await post(url, { output: {} })).statusCode).toBe(400);
  await post(url, { token: 'o1 B', error: { code: 'broken', message: 'it broke' } });
  expect(await get(`${base}/o1`)).toMatchObject({ status: 'Failed', error: { message: 'it broke' } });
});

test('the live workers of a namespace are listed', async () => {
  const at = '2026-01-31T08:00:00.000Z';
  const worker = { worker: 'w1', taskNamespace: 'math', tasks: [], slots: 4, running: 1, since: at, lastSeen: at };
  executions.workersOf.set('demo', [worker]);
  expect(await get('/executions/workers/v1/demo')).toEqual([worker]);
});
