import { apiWith, document, flowPath, type TestApi } from '../support';

let api: TestApi;
beforeEach(async () => {
  api = await apiWith();
});
afterEach(() => api.app.close());

const json = { 'content-type': 'application/json' };

function change(what: string, payload?: object | string, headers: object = json) {
  return api.app.inject({
    method: 'POST',
    url: `${flowPath}/${what}`,
    headers: { ...headers },
    ...(payload === undefined ? {} : { payload }),
  });
}

test.each(['pause', 'resume', 'restart'])('%s applies to the whole flow, or to the functions named', async (what) => {
  expect((await change(what, undefined, {})).statusCode).toBe(202);
  const some = await change(what, { functions: ['print0'], comment: 'too hot' });
  expect([some.statusCode, some.json().jobId]).toEqual([202, 'jobx']);
  expect(api.flows.requests).toEqual([
    { what, args: [], requester: { by: 'anonymous' } },
    { what, args: ['print0'], requester: { by: 'anonymous', comment: 'too hot' } },
  ]);
});

test('passes the bodies of scale, rollback and replay on', async () => {
  const scaled = await change('scale', { replicas: { print0: 3 } });
  expect([scaled.statusCode, scaled.headers['kflow-outcome']]).toEqual([200, 'updated']);
  expect((await change('rollback', {})).statusCode).toBe(200);
  expect((await change('rollback', { revision: 2 })).statusCode).toBe(200);
  expect((await change('replay', { function: 'print0', from: { sequence: 7 } })).statusCode).toBe(202);
  expect((await change('replay', { function: 'print0', from: 'first' })).statusCode).toBe(202);
  expect(api.flows.requests.map(({ args }) => args)).toEqual([
    { print0: 3 },
    undefined,
    2,
    { function: 'print0', from: { sequence: 7 } },
    { function: 'print0', from: 'first' },
  ]);
});

test('passes the idempotency key of a request on, and ignores an empty one', async () => {
  await change('pause', {}, { ...json, 'idempotency-key': 'night-1' });
  await change('pause', {}, { ...json, 'idempotency-key': '' });
  expect(api.flows.requests.map(({ requester }) => requester)).toEqual([
    { by: 'anonymous', idempotencyKey: 'night-1' },
    { by: 'anonymous' },
  ]);
});

test("accepts the content type of curl's -d", async () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  expect((await change('pause', '{"functions":["print0"]}', form)).statusCode).toBe(202);
});

test.each([
  ['pause', { function: ['print0'] }, 'function'],
  ['pause', '{"functions":', 'must be JSON'],
  ['pause', '[]', 'body'],
  ['scale', { replicas: { print0: 0 } }, 'body.replicas.print0'],
  ['scale', { replicas: {} }, 'must name at least one function'],
  ['rollback', { revision: 'two' }, 'body.revision'],
  ['replay', { function: 'print0' }, 'body.from'],
])('rejects %s with %j, and changes nothing', async (what, payload, name) => {
  const response = await change(what, payload);
  expect([response.statusCode, response.json().code]).toEqual([400, 'request-invalid']);
  expect(response.json().detail).toContain(name);
  expect(api.flows.requests).toEqual([]);
});

test('returns the document of a revision as written, or as JSON', async () => {
  const changed = document.replace('print:1', 'print:2');
  await api.app.inject({
    method: 'POST',
    url: '/kflows/update/v1',
    payload: changed,
    headers: { 'content-type': 'text/yaml' },
  });
  expect((await api.app.inject(`${flowPath}/history`)).json()).toMatchObject([
    { revision: 1 },
    { revision: 2, isCurrent: true },
  ]);
  const first = await api.app.inject(`${flowPath}/history/1`);
  expect([first.headers['content-type'], first.body]).toEqual(['application/yaml; charset=utf-8', document]);
  const asJson = await api.app.inject({ url: `${flowPath}/history/2`, headers: { accept: 'application/json' } });
  expect(asJson.json()).toMatchObject({ jobId: 'jobx', dag: [{}, { image: 'print:2' }] });
  expect((await api.app.inject(`${flowPath}/history/9`)).statusCode).toBe(404);
  const diff = await api.app.inject(`${flowPath}/diff?from=1&to=2`);
  expect([diff.headers['content-type'], diff.body]).toEqual([
    'text/plain; charset=utf-8',
    expect.stringMatching(/^--- revision 1\n\+\+\+ revision 2\n/),
  ]);
});

test('returns the events of a flow or of a namespace as an array', async () => {
  await change('pause');
  const ofFlow = await api.app.inject(`${flowPath}/events?kind=phase&limit=1`);
  expect(ofFlow.json()).toMatchObject([{ what: 'Paused', kind: 'phase' }]);
  expect((await api.app.inject('/kflows/events/v1')).json()).toHaveLength(2);
  expect((await api.app.inject('/kflows/events/v1?namespace=other')).json()).toEqual([]);
});
