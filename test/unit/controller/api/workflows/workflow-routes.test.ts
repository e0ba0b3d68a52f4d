import type { FastifyInstance } from 'fastify';
import type { MemoryExecutions } from '../../../../support/memory-executions';
import { apiWith } from '../support';

let app: FastifyInstance;
let executions: MemoryExecutions;
beforeEach(async () => {
  ({ app, executions } = await apiWith());
});
afterEach(() => app.close());

const keyOf = (execution: string) => ({ namespace: 'default', execution });

async function start(workflow: string, input?: unknown): Promise<string> {
  const response = await app.inject({ method: 'POST', url: '/workflows/start', payload: { workflow, input } });
  expect([response.statusCode, response.json().status]).toEqual([200, 'Success']);
  return response.json().workflow;
}

const get = async (url: string) => (await app.inject(url)).json();

test('a started execution is RUNNING and in progress, and a finished one is not', async () => {
  const id = await start('A → B');
  expect(await get('/workflows/')).toEqual([{ id, state: 'RUNNING' }]);
  expect(await get('/inprogress')).toEqual([id]);
  executions.end(keyOf(id), 'A');
  executions.end(keyOf(id), 'B');
  expect(await get('/workflows')).toEqual([{ id, state: 'FINISHED' }]);
  expect(await get('/inprogress')).toEqual([]);
});

test.each([
  ['text/plain', 'A → B'],
  ['application/x-www-form-urlencoded', 'A → B'],
  ['application/json', '{"workflow": "A → B"}'],
])('a start takes %s', async (type, payload) => {
  const headers = { 'content-type': type };
  const { statusCode } = await app.inject({ method: 'POST', url: '/workflows/start', headers, payload });
  expect(statusCode).toBe(200);
});

test('a start with an invalid task flow is refused with its problems, and creates no execution', async () => {
  const response = await app.inject({ method: 'POST', url: '/workflows/start', payload: { workflow: 'A →' } });
  expect(response.statusCode).toBe(400);
  expect(response.json()).toEqual({
    status: 'Error',
    message: expect.stringMatching(/^Cannot compile workflow due to: \S+:1:\d+ /),
  });
  expect(await get('/workflows')).toEqual([]);
});

test('an upload takes the task flow and the input from a form', async () => {
  const form = new FormData();
  form.set('workflow', new Blob(['A → B']), 'two.flow');
  form.set('input', '{"n": 1}');
  const request = new Request('http://localhost/', { method: 'POST', body: form });
  const { statusCode, body } = await app.inject({
    method: 'POST',
    url: '/workflows/start/upload',
    headers: { 'content-type': String(request.headers.get('content-type')) },
    payload: Buffer.from(await request.arrayBuffer()),
  });
  expect([statusCode, body]).toEqual([200, expect.any(String)]);
  const { output } = await get(`/workflows/${JSON.parse(body).workflow}/state`);
  expect(output[0]).toEqual({ n: 1 });
});

test('other routes refuse forms', async () => {
  const headers = { 'content-type': 'multipart/form-data; boundary=x' };
  const { statusCode } = await app.inject({ method: 'POST', url: '/workflows/start', headers, payload: '--x--' });
  expect(statusCode).toBe(415);
});

test('the definition is the matrix of edges with the nodes', async () => {
  const id = await start('A({"n": 1}) → B');
  const { F, T } = await get(`/workflows/${id}`);
  expect(F).toEqual([
    [0, 1, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 0, 1],
    [0, 0, 0, 0],
  ]);
  expect(T.map(([kind]: [string]) => kind)).toEqual(['StartFlow', 'InvokeTask', 'InvokeTask', 'Sink']);
  expect(T[1][1]).toMatchObject({ index: 1, name: 'A', base: 'A', parameters: { n: 1 } });
});

test('the state has the running steps, the arrived outputs and the outputs', async () => {
  const id = await start('A|B → C', { x: 1 });
  executions.end(keyOf(id), 'A', { a: 1 });
  const state = await get(`/workflows/${id}/state`);
  const ofNode = (name: string) => state.output.findIndex((output: object) => name in output);
  expect(state.state).toBe('RUNNING');
  expect(state.S.filter((count: number) => count > 0)).toEqual([1]);
  expect(state.A.filter((count: number) => count > 0)).toEqual([1]);
  expect(state.output[ofNode('a')]).toEqual({ a: 1 });
});

test('a failed step is in the failures, and a restart runs it again with the outputs of the others', async () => {
  const id = await start('A → B → C');
  executions.end(keyOf(id), 'A', { a: 1 });
  executions.fail(keyOf(id), 'B', 'no');
  expect(await get(`/workflows/${id}/state`)).toMatchObject({ state: 'FAILED', failures: [0, 0, 1, 0, 0] });
  const restarted = await app.inject({ method: 'POST', url: `/workflows/${id}/restart` });
  expect([restarted.statusCode, restarted.json().status]).toEqual([200, 'Success']);
  executions.end(keyOf(id), 'B', { b: 2 });
  executions.end(keyOf(id), 'C');
  expect((await get(`/workflows/${id}/state`)).state).toBe('FINISHED');
});

test('a restart of a finished execution is refused with its state', async () => {
  const id = await start('A');
  executions.end(keyOf(id), 'A');
  const { statusCode, body } = await app.inject({ method: 'POST', url: `/workflows/${id}/restart` });
  expect([statusCode, JSON.parse(body).message]).toEqual([400, expect.stringContaining('FINISHED')]);
  expect((await app.inject(`/workflows/${id}/restart`)).statusCode).toBe(405);
});

test('a terminate waits for the running task, a second one does not, and a third is refused', async () => {
  const id = await start('A → B');
  const terminate = () =>
    app.inject({ method: 'POST', url: '/workflows/terminate', payload: { workflow: `workflow:${id}` } });
  expect((await terminate()).json().message).toContain('terminating');
  expect((await get('/workflows'))[0].state).toBe('TERMINATING');
  expect(await get('/inprogress')).toEqual([]);
  expect((await terminate()).json().message).toContain('terminated');
  expect((await get('/workflows'))[0].state).toBe('TERMINATED');
  const third = await terminate();
  expect([third.statusCode, third.json().message]).toEqual([400, expect.stringContaining('TERMINATED')]);
});

test('the trace of S has each change with its time, the newest first, and sums up to the state', async () => {
  const id = await start('A → B');
  executions.end(keyOf(id), 'A');
  const trace = await get(`/workflows/${id}/trace/S`);
  expect(trace.map(([, change]: [string, number[]]) => change)).toEqual([
    [0, -1, 1, 0],
    [0, 1, 0, 0],
  ]);
  expect((await get(`/workflows/${id}/state`)).S).toEqual([0, 0, 1, 0]);
  const other = await app.inject(`/workflows/${id}/trace/X`);
  expect([other.statusCode, other.json().status]).toEqual([400, 'Error']);
});

test('no step counts as running after a false guard on a task or a subflow', async () => {
  const id = await start('A → ? `$.x` { B → C } → ? `$.x` D → E');
  executions.end(keyOf(id), 'A', { a: 1 });
  executions.end(keyOf(id), 'E');
  const { state, S, A } = await get(`/workflows/${id}/state`);
  expect([state, S.some(Boolean), A.some(Boolean)]).toEqual(['FINISHED', false, false]);
});

test.each([
  ['of items', [{ n: 1 }, { n: 2 }]],
  ['without items', []],
])('no step counts as running after a map %s', async (_title, list) => {
  const id = await start('A → * { B → C } → D');
  executions.end(keyOf(id), 'A', list);
  for (const _ of list) executions.end(keyOf(id), 'B', {});
  for (const _ of list) executions.end(keyOf(id), 'C', {});
  const { S } = await get(`/workflows/${id}/state`);
  expect(S.map((running: number, index: number) => (running > 0 ? index : undefined)).filter(Boolean)).toEqual([
    (await executions.get(keyOf(id))).steps.find(({ name }) => name === 'D')?.index,
  ]);
  executions.end(keyOf(id), 'D');
  const ended = await get(`/workflows/${id}/state`);
  expect([ended.state, ended.S.some(Boolean), ended.A.some(Boolean)]).toEqual(['FINISHED', false, false]);
});

test('the graph is a state diagram, from top to bottom if it is asked for', async () => {
  const id = await start('A → B');
  const graph = await app.inject(`/workflows/${id}/graph?orientation=vertical`);
  expect([graph.headers['content-type'], graph.body]).toEqual([
    'text/plain; charset=utf-8',
    expect.stringMatching(/^stateDiagram-v2\n {2}direction TB\n[\s\S]*A\.1 --> B\.2/),
  ]);
});

test('a deletion is refused while the execution is in progress', async () => {
  const id = await start('A');
  const remove = () => app.inject({ method: 'DELETE', url: `/workflows/${id}` });
  expect((await remove()).statusCode).toBe(400);
  executions.end(keyOf(id), 'A');
  expect((await remove()).json()).toEqual({ status: 'Success', workflow: id });
  const gone = await app.inject(`/workflows/${id}`);
  expect([gone.statusCode, gone.json().status]).toEqual([404, 'Error']);
});

test('a restored archive has the definition, the trace and the outputs, and is TERMINATED', async () => {
  const id = await start('A → B', { x: 1 });
  executions.end(keyOf(id), 'A', { a: 1 });
  executions.fail(keyOf(id), 'B', 'no');
  const archived = await app.inject(`/workflows/${id}/archive`);
  expect(archived.headers['content-disposition']).toBe(`attachment; filename="${id}.json"`);
  const restored = await app.inject({
    method: 'POST',
    url: '/workflows/restore?workflow=copy',
    payload: archived.json(),
  });
  expect(restored.json()).toEqual({ status: 'Success', workflow: 'copy' });
  expect(await get('/workflows/copy')).toEqual(await get(`/workflows/${id}`));
  expect(await get('/workflows/copy/trace/S')).toEqual(await get(`/workflows/${id}/trace/S`));
  const again = await app.inject({ method: 'POST', url: '/workflows/restore?workflow=copy', payload: archived.json() });
  expect([again.statusCode, again.json().message]).toEqual([400, expect.stringContaining('copy exists')]);
  const broken = await app.inject({ method: 'POST', url: '/workflows/restore', payload: { F: [], T: [] } });
  expect([broken.statusCode, broken.json().message]).toEqual([400, expect.stringContaining('body.S')]);
});

test('an archive goes to an object and comes from there, whichever way names it', async () => {
  const id = await start('A', { x: 1 });
  executions.fail(keyOf(id), 'A', 'no');
  const post = async (url: string, payload?: object) => {
    const response = await app.inject({ method: 'POST', url, ...(payload === undefined ? {} : { payload }) });
    return { status: response.statusCode, location: response.headers.location, ...response.json() };
  };
  const uri = 's3://kept/one.json';
  const stored = { status: 'Success', workflow: id };
  expect(await post(`/workflows/${id}/archive`, { uri })).toEqual({ ...stored, location: uri, uri });
  const named = `s3://bucket/${id}.json`;
  expect(await post(`/workflows/${id}/archive`, { bucket: 'bucket' })).toEqual({
    ...stored,
    location: named,
    uri: named,
  });
  expect(JSON.parse(executions.objects.get(uri) ?? '')).toEqual((await app.inject(`/workflows/${id}/archive`)).json());
  expect(await post(`/workflows/restore?workflow=one&uri=${uri}`)).toMatchObject({ workflow: 'one' });
  expect(await post('/workflows/restore?workflow=two', { uri: named })).toMatchObject({ workflow: 'two' });
  expect(await get('/workflows/two/state')).toEqual(await get(`/workflows/${id}/state`));
  for (const body of [{}, { uri: 'http://x/y' }, { uri, bucket: 'b' }]) {
    expect(await post(`/workflows/${id}/archive`, body)).toMatchObject({ status: 'Error' });
  }
  expect(await post('/workflows/restore')).toMatchObject({ status: 'Error', message: expect.stringContaining('uri') });
  expect(await post('/workflows/restore?uri=s3://kept/none')).toMatchObject({ status: 'Error' });
});

test('a list has 50 executions and a link to the rest', async () => {
  for (let count = 0; count < 120; count += 1) await start('A');
  const ids = (items: readonly { readonly id: string }[]) => items.map(({ id }) => id);
  const seen: string[] = [];
  let url: string | undefined = '/workflows';
  const sizes: number[] = [];
  while (url !== undefined) {
    const response: { headers: { [name: string]: unknown }; json(): { id: string }[] } = await app.inject(url);
    const page = ids(response.json());
    sizes.push(page.length);
    seen.push(...page);
    url = /^<([^>]+)>; rel="next"$/.exec(String(response.headers.link ?? ''))?.[1];
  }
  expect(sizes).toEqual([50, 50, 20]);
  expect(new Set(seen).size).toBe(120);
});

test('a caller without access to the namespace gets a problem', async () => {
  const identify = async () => ({ name: 'eva', role: 'admin', namespaces: ['one'] }) as const;
  const own = await apiWith({ access: { kind: 'authenticated', authenticator: { identify } } });
  const headers = { authorization: 'Bearer x' };
  const list = await own.app.inject({ url: '/workflows', headers });
  const other = await own.app.inject({ url: '/workflows?namespace=two', headers });
  const without = await own.app.inject('/workflows');
  expect([list.statusCode, other.statusCode, without.statusCode]).toEqual([200, 403, 401]);
  expect(other.json().code).toBe('access-denied');
  await own.app.close();
});

test('the version, the API and its pages are at the paths of workflows too', async () => {
  expect(await get('/')).toEqual({ kflow: expect.stringMatching(/^\d/) });
  expect(await get('/apispec.json')).toEqual(await get('/openapi.json'));
  const pages = await app.inject('/apidocs/');
  expect([pages.statusCode, pages.headers.location]).toEqual([302, '/docs']);
});
