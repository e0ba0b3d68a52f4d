import { flowStatusSchema } from '../../../../../runtime/api-contract/flow-status';
import { apiWith, document, flowPath, type TestApi } from '../support';

let api: TestApi;
beforeEach(async () => {
  api = await apiWith();
  for (const jobId of ['a', 'b', 'c']) {
    await api.app.inject({
      method: 'POST',
      url: `/kflows/v1/other/${jobId}`,
      payload: documentOf(jobId),
      headers: yaml,
    });
  }
});
afterEach(() => api.app.close());

const yaml = { 'content-type': 'application/yaml' };
const documentOf = (jobId: string) =>
  document.replaceAll('jobx', jobId).replace(`namespace: ${jobId}`, 'namespace: other');

const get = (url: string) => api.app.inject(url);
const idsOf = (body: string) => (JSON.parse(body) as { jobId: string }[]).map(({ jobId }) => jobId);

test('returns one status for a flow, and an array for a namespace or an id', async () => {
  const one = (await get(flowPath)).json();
  expect(flowStatusSchema.parse(one)).toEqual(one);
  expect((await get('/kflows/v1/jobx')).json()).toEqual([one]);
  expect((await get('/kflows/v1/jobx?id=jobx')).json()).toEqual([one]);
  expect(idsOf((await get('/kflows/v1')).body)).toEqual(['jobx', 'a', 'b', 'c']);
  expect((await get('/kflows/v1/empty')).json()).toEqual([]);
});

test('sends a problem for an unknown flow, by path and by id', async () => {
  for (const url of ['/kflows/v1/jobx/none', '/kflows/v1/jobx?id=none']) {
    const response = await get(url);
    expect([response.statusCode, response.json().code]).toEqual([404, 'flow-missing']);
    expect(response.headers['content-type']).toContain('application/problem+json');
  }
});

test('searches all namespaces for an id, which may be in none', async () => {
  expect(idsOf((await get('/kflows/v1?id=b')).body)).toEqual(['b']);
  expect((await get('/kflows/v1?id=none')).json()).toEqual([]);
});

test('links each page to the next, and lists every flow once', async () => {
  const ids: string[] = [];
  for (let url: string | undefined = '/kflows/v1/other?limit=2&status=Running'; url !== undefined; ) {
    const response = await get(url);
    ids.push(...idsOf(response.body));
    const link: string | undefined = response.headers.link?.toString();
    expect(link === undefined).toBe(response.headers['kflow-continue'] === undefined);
    url = link === undefined ? undefined : /^<(.*)>; rel="next"$/.exec(link)?.[1];
  }
  expect(ids).toEqual(['a', 'b', 'c']);
});

test('filters by status', async () => {
  await api.app.inject({ method: 'DELETE', url: '/kflows/v1/other/b/stop=true' });
  expect(idsOf((await get('/kflows/v1/other?status=Stopped')).body)).toEqual(['b']);
  expect((await get('/kflows/v1/other?id=a&status=Stopped')).json()).toEqual([]);
});

test.each([
  ['limit=0', 'query.limit'],
  ['limit=x', 'query.limit'],
  ['status=Sleeping', 'query.status'],
  ['limt=1', 'limt'],
])('rejects the query %s by its name', async (query, name) => {
  const response = await get(`/kflows/v1/other?${query}`);
  expect([response.statusCode, response.json().code]).toEqual([400, 'request-invalid']);
  expect(response.json().detail).toContain(name);
});
