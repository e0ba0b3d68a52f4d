import { ConfigError, KFlowError, StoreError } from '../../../../lib/errors';
import { problemSchema } from '../../../../runtime/api-contract/problem';
import { updateRefusal } from './memory-flows';
import { apiWith, document, flowPath, type TestApi } from './support';

let api: TestApi;
beforeEach(async () => {
  api = await apiWith();
});
afterEach(() => api.app.close());

async function failedBy(failure: Error) {
  api.flows.failure = failure;
  return api.app.inject({ method: 'POST', url: `${flowPath}/pause` });
}

test.each([
  [new StoreError('stream-failed', 'nats does not answer'), 503],
  [new ConfigError('server-failed', 'the API server refuses connections'), 503],
  [new StoreError('store-failed', 'no answer from S3'), 503],
  [new KFlowError('payload-too-large', 'the document has 3 MB'), 413],
  [new ConfigError('config-invalid', 'print0 has no input'), 422],
])('%s is answered with %d', async (failure, status) => {
  const response = await failedBy(failure);
  expect(response.statusCode).toBe(status);
  expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(response.headers['retry-after']).toBe(status === 503 ? '2' : undefined);
  expect(problemSchema.parse(response.json())).toMatchObject({
    type: `urn:kflow:${failure.code}`,
    status,
    code: failure.code,
    detail: failure.message,
  });
});

test.each([
  ['scale', { replicas: { p: 0 } }, 'body.replicas.p: must be 1 or more'],
  ['scale', { replicas: { p: 'two' } }, 'body.replicas.p: must be a number, got text'],
  ['scale', { replica: {} }, 'body.replicas: is missing; it must be a map\nbody: unknown key "replica"'],
  ['pause', { functions: 'p' }, 'body.functions: must be a list, got text'],
  ['pause', { comment: 'x'.repeat(1_001) }, 'body.comment: is longer than 1000'],
  [
    'replay',
    { function: 'p', from: 'yesterday' },
    'body.from: must be "first", {"sequence": 1}, or {"time": "2026-01-31T08:00:00Z"}',
  ],
])('what is wrong with the body of %s is said in words: %o', async (what, payload, detail) => {
  const response = await api.app.inject({ method: 'POST', url: `${flowPath}/${what}`, payload });
  expect([response.statusCode, response.json().detail]).toEqual([400, detail]);
});

test('a refused update lists every difference by its path', async () => {
  const response = await failedBy(updateRefusal());
  expect(response.statusCode).toBe(409);
  expect(response.json().problems).toEqual([
    { severity: 'error', code: 'update-refused', path: 'dag[0].out', message: 'may not change', line: 3, col: 5 },
  ]);
});

test('what should not have happened says nothing of itself, and the log all', async () => {
  const response = await failedBy(new TypeError('secret of the house'));
  expect(response.statusCode).toBe(500);
  expect(response.body).not.toContain('secret');
  const id = /request [\w-]+/.exec(response.json().detail)?.[0];
  expect(api.lines.find((line) => line.startsWith('ERROR'))).toContain(
    `${id}: TypeError: secret of the house\n    at `,
  );
});

test('paths that are none, and methods that a path has not, are problems', async () => {
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

test('the controller is alive while it is not ready, which says why', async () => {
  expect((await api.app.inject('/readyz')).json()).toEqual({ status: 'ready' });
  api.flows.notReady = ['temporal does not answer', 'nats does not answer'];
  expect((await api.app.inject('/healthz')).statusCode).toBe(200);
  const response = await api.app.inject('/readyz');
  expect([response.statusCode, response.json().code]).toEqual([503, 'not-ready']);
  expect(response.json().detail).toBe('temporal does not answer\nnats does not answer');
  expect((await api.app.inject({ method: 'HEAD', url: '/healthz' })).statusCode).toBe(200);
});

test('requests are measured by route and status, whatever was in the path', async () => {
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
