import { apiWith, document, flow, flowPath, type TestApi } from '../support';

const devStore = 'devStore: { enabled: true, addr: "s3:1", topics: steps, user: u, password: p }';
const steppedDocument = document.replace('mode: stream', `globalConfig: { ${devStore} }`);
const path = `${flowPath}/steps`;
let api: TestApi;
beforeEach(async () => {
  api = await apiWith({ isEmpty: true });
  await api.flows.submit(flow, steppedDocument, { by: 'the test' });
});
afterEach(() => api.app.close());

const post = (url: string, payload: string) =>
  api.app.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json' } });

test('records keep all digits on their way in and out', async () => {
  const text = '{"name":"a/b.json","records":[{"n":9007199254740993}]}';
  const put = await post(`${path}/print0/step`, text);
  expect([put.statusCode, put.json()]).toMatchObject([200, { function: 'print0', name: 'a/b.json', state: 'waiting' }]);
  const { store } = api.flows.stepStores;
  const object = await store.get('steps', 'kflow-dev/jobx/jobx/print0/in/a/b.json');
  expect(Buffer.from(object).toString()).toBe('{"n":9007199254740993}\n');
  const step = { function: 'print0', name: 'a', state: 'done', run: 1 };
  api.flows.steps.show = async () => ({
    ...step,
    state: 'done',
    inputs: [{ n: 9_007_199_254_740_993n }],
    outputs: [],
    sideOutputs: {},
    errors: [],
  });
  const shown = await api.app.inject(`${path}/print0?name=a`);
  expect(shown.body).toContain('"inputs":[{"n":9007199254740993}]');
});

test('lists folders and objects', async () => {
  await post(`${path}/print0/step`, '{"name":"a","records":[{"n":1}]}');
  const prefix = 'kflow-dev/jobx/jobx/print0/';
  expect((await api.app.inject(path)).json()).toEqual({
    folders: [{ function: 'print0', bucket: 'steps', inDir: `${prefix}in/`, outDir: `${prefix}out/` }],
    steps: [{ function: 'print0', name: 'a', state: 'waiting', run: 0, inputs: 0, outputs: 0 }],
  });
});

test("the documents' request for the result of an input", async () => {
  const { store } = api.flows.stepStores;
  await api.app.inject(path);
  await store.put('steps', 'kflow-dev/jobx/jobx/print0/in/testfile.csv', Buffer.from('{"n": 1}'));
  const body = { cursor: 'testfile.csv', execFnId: 'print0', simFnId: 'numbers', namespace: 'jobx', jobId: 'jobx' };
  const answer = await post('/kflows/devstore/v1', JSON.stringify(body));
  expect([answer.statusCode, answer.json()]).toMatchObject([200, { function: 'print0', name: 'testfile.csv' }]);
  const missing = await post('/kflows/devstore/v1', JSON.stringify({ ...body, cursor: 'other' }));
  expect([missing.statusCode, missing.json()]).toMatchObject([404, { code: 'step-missing' }]);
});

test.each([
  [422, `${path}/print0/step`, '{"name":"a","records":[{"n":"x"}]}', 'setting-invalid'],
  [422, `${path}/numbers/step`, '{"name":"a","records":[{"n":1}]}', 'edge-unknown'],
  [404, `${path}/print0/edit`, '{"name":"a","records":[{"n":1}]}', 'step-missing'],
  [404, `${path}/print0/drop`, '{"name":"a"}', 'step-missing'],
  [400, `${path}/print0/drop`, '{"name":"/a"}', 'request-invalid'],
  [400, `${path}/print0/next`, '{"nmae":"a"}', 'request-invalid'],
])('answers %i to a request that it cannot do: %s %s', async (status, url, payload, code) => {
  const answer = await post(url, payload);
  expect([answer.statusCode, answer.json()]).toMatchObject([status, { code }]);
});
