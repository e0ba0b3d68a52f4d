import { ConfigError, KFlowError, StateError, StoreError } from '../../../../../lib/errors';
import { problemSchema } from '../../../../../runtime/api-contract/problem';
import { apiWith, document, flowPath, type TestApi } from '../support';

let api: TestApi;
beforeEach(async () => {
  api = await apiWith();
});
afterEach(() => api.app.close());

/** The error of an update with a forbidden change. */
function updateRefusal(): ConfigError {
  const problem = { severity: 'error', code: 'update-refused', file: 'topology', line: 3, col: 5 } as const;
  const problems = [{ ...problem, path: 'dag[0].out', message: 'may not change' }];
  return Object.assign(new ConfigError('update-refused', 'dag[0].out: may not change'), { problems });
}

async function failedBy(failure: Error) {
  api.flows.failure = failure;
  return api.app.inject({ method: 'POST', url: `${flowPath}/pause` });
}

test.each([
  [new StoreError('stream-failed', 'NATS does not respond'), 503, 'Service Unavailable'],
  [new ConfigError('server-failed', 'the API server refuses connections'), 503, 'Service Unavailable'],
  [new StoreError('store-failed', 'S3 does not respond'), 503, 'Service Unavailable'],
  [new KFlowError('payload-too-large', 'the document has 3 MB'), 413, 'Content Too Large'],
  [new ConfigError('config-invalid', 'print0 has no input'), 422, 'Unprocessable Content'],
  [new StateError('state-invalid', 'the flow is Stopped'), 409, 'Conflict'],
  [new StateError('flow-missing', 'there is no flow'), 404, 'Not Found'],
  [new KFlowError('access-denied', 'the request requires admin'), 403, 'Forbidden'],
])('responds to %s with %d %s', async (failure, status, title) => {
  const response = await failedBy(failure);
  expect(response.statusCode).toBe(status);
  expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(response.headers['retry-after']).toBe(status === 503 ? '2' : undefined);
  expect(problemSchema.parse(response.json())).toMatchObject({
    type: `urn:kflow:${failure.code}`,
    title,
    status,
    code: failure.code,
    detail: failure.message,
  });
});

test.each([
  ['scale', { replicas: { p: 0 } }, 'body.replicas.p: must be at least 1'],
  ['scale', { replicas: { p: 'two' } }, 'body.replicas.p: must be a number, got a string'],
  ['scale', { replica: {} }, 'body.replicas: is missing; must be an object\nbody: unknown key "replica"'],
  ['pause', { functions: 'p' }, 'body.functions: must be an array, got a string'],
  ['pause', { comment: 'x'.repeat(1_001) }, 'body.comment: must have at most 1000 characters'],
  [
    'replay',
    { function: 'p', from: 'yesterday' },
    'body.from: must be "first", {"sequence": 1}, or {"time": "2026-01-31T08:00:00Z"}',
  ],
])('reports what is wrong with the body of %s: %o', async (what, payload, detail) => {
  const response = await api.app.inject({ method: 'POST', url: `${flowPath}/${what}`, payload });
  expect([response.statusCode, response.json().detail]).toEqual([400, detail]);
});

test('lists every difference of a refused update by its path', async () => {
  const response = await failedBy(updateRefusal());
  expect(response.statusCode).toBe(409);
  expect(response.json().problems).toEqual([
    { severity: 'error', code: 'update-refused', path: 'dag[0].out', message: 'may not change', line: 3, col: 5 },
  ]);
});

test('hides an unexpected error from the client, and logs its stack', async () => {
  const response = await failedBy(new TypeError('secret of the house'));
  expect(response.statusCode).toBe(500);
  expect(response.body).not.toContain('secret');
  const id = /request [\w-]+/.exec(response.json().detail)?.[0];
  expect(api.lines.find((line) => line.startsWith('ERROR'))).toContain(
    `${id}: TypeError: secret of the house\n    at `,
  );
});

test('responds to unknown paths with 404, other methods with 405, and malformed paths with 400', async () => {
  const missing = await api.app.inject('/kflows/v2/jobx');
  expect([missing.statusCode, missing.json().code]).toEqual([404, 'route-missing']);
  const refused = await api.app.inject({
    method: 'PUT',
    url: flowPath,
    payload: document,
    headers: { 'content-type': 'text/yaml' },
  });
  expect([refused.statusCode, refused.json().code]).toEqual([405, 'method-refused']);
  expect(refused.headers.allow).toBe('DELETE, GET, POST');
  expect((await api.app.inject({ method: 'DELETE', url: '/kflows/v1/jobx' })).headers.allow).toBe('GET');
  expect((await api.app.inject('/kflows/v1/jobx/jobx/nothing')).statusCode).toBe(404);
  const unreadable = await api.app.inject('/kflows/v1/%zz');
  expect([unreadable.statusCode, unreadable.headers['content-type']]).toEqual([
    400,
    'application/problem+json; charset=utf-8',
  ]);
});

test('is alive while it is not ready, and says why it is not ready', async () => {
  expect((await api.app.inject('/readyz')).json()).toEqual({ status: 'ready' });
  api.flows.notReady = ['Temporal does not respond', 'NATS does not respond'];
  expect((await api.app.inject('/healthz')).statusCode).toBe(200);
  const response = await api.app.inject('/readyz');
  expect([response.statusCode, response.json().code]).toEqual([503, 'not-ready']);
  expect(response.json().detail).toBe('Temporal does not respond\nNATS does not respond');
  expect((await api.app.inject({ method: 'HEAD', url: '/healthz' })).statusCode).toBe(200);
});

test('measures requests by route and status, not by the values in the path', async () => {
  await api.app.inject(flowPath);
  await api.app.inject('/kflows/v1/jobx/none');
  await api.app.inject('/nothing');
  const { body, headers } = await api.app.inject('/metrics');
  expect(headers['content-type']).toContain('text/plain; version=0.0.4');
  const counted = /^kflow_http_request_duration_seconds_count\{(.*)\} 1$/gm;
  expect([...body.matchAll(counted)].map(([, labels]) => labels)).toEqual([
    'method="GET",route="/kflows/v1/:namespace/:jobId",status="200"',
    'method="GET",route="/kflows/v1/:namespace/:jobId",status="404"',
    'method="GET",route="none",status="404"',
  ]);
  expect(body).toContain('process_cpu_seconds_total');
});

test('has the metrics of replicas that only this machine can reach beside its own, and its own without them', async () => {
  const page = '# HELP events_total Records\n# TYPE events_total counter\nevents_total{replica="map-0"} 3\n';
  const pages = [page];
  const replicaMetrics = async () => {
    const found = pages.pop();
    if (found === undefined) throw new Error('no node');
    return found;
  };
  const { app } = await apiWith({ replicaMetrics });
  const both = (await app.inject('/metrics')).body;
  expect(both).toContain(page);
  expect(both).toMatch(/^kflow_build_info\{version="[^"]+"\} 1$/m);
  const own = (await app.inject('/metrics')).body;
  expect(own).not.toContain('events_total');
  expect(own).toContain('kflow_build_info');
  await app.close();
});
