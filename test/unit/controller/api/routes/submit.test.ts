import { waitFor } from '../../../../support/wait-for';
import { apiWith, document, flowPath, type TestApi } from '../support';

let api: TestApi;
beforeEach(async () => {
  api = await apiWith({ isEmpty: true });
});
afterEach(() => api.app.close());

const yaml = { 'content-type': 'application/yaml' };

function submit(payload: string | Buffer, headers: { [name: string]: string } = yaml, url = flowPath) {
  return api.app.inject({ method: 'POST', url, headers, payload });
}

test('starts a flow, ignores the same document, and rejects a different one', async () => {
  const first = await submit(document);
  expect(first.statusCode).toBe(201);
  expect(first.headers).toMatchObject({ 'kflow-outcome': 'started', location: flowPath });
  expect(first.json()).toMatchObject({
    status: 'Running',
    execution: { workflow_id: 'jobx' },
    type: { name: 'KFlowDSL' },
  });

  const again = await submit(document);
  expect(again.statusCode).toBe(200);
  expect(again.headers['kflow-outcome']).toBe('unchanged');

  const other = await submit(document.replace('numbers:1', 'numbers:2'));
  expect(other.statusCode).toBe(409);
  expect(other.headers['content-type']).toContain('application/problem+json');
  expect(other.json()).toMatchObject({ type: 'urn:kflow:flow-exists', code: 'flow-exists', status: 409 });
});

test('returns the warnings about an accepted document', async () => {
  const misspelt = document.replace('print:1', 'print:1\n    meta: { resart: true }');
  const { warnings } = (await submit(misspelt)).json();
  expect(warnings).toContainEqual(
    expect.objectContaining({ severity: 'warning', path: 'dag[1].meta.resart', line: 13, message: expect.any(String) }),
  );
  expect((await submit(misspelt)).json()).not.toHaveProperty('warnings');
});

test('responds with 201 when a stopped flow is resumed', async () => {
  await submit(document);
  await api.app.inject({ method: 'DELETE', url: `${flowPath}/stop=true` });
  const resumed = await submit(document);
  expect([resumed.statusCode, resumed.headers['kflow-outcome']]).toEqual([201, 'resumed']);
});

test.each([
  'application/json',
  'application/json; charset=utf-8',
  'application/yaml',
  'text/yaml',
  'text/plain',
  'application/x-www-form-urlencoded',
])('accepts a document sent as %s', async (type) => {
  expect((await submit(document, { 'content-type': type })).statusCode).toBe(201);
});

test('reports every problem of a topology at its line in the text', async () => {
  const broken = document.replace('out: [print0]', 'out: [prnt0]').replace('mode: stream', 'mode: streem');
  const response = await submit(`# a comment\n\n${broken}`);
  expect(response.statusCode).toBe(422);
  const { problems, detail, code } = response.json();
  expect(code).toBe('shape');
  expect(problems).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ path: 'mode', line: 5 }),
      expect.objectContaining({ path: 'dag[0].out[0]', line: 11, code: 'edge-unknown', severity: 'error' }),
    ]),
  );
  expect(detail.split('\n')).toHaveLength(problems.length);
  expect(problems[0]).not.toHaveProperty('file');
});

test('rejects a body that is empty, not UTF-8 or compressed, and says what to do', async () => {
  const empty = await api.app.inject({ method: 'POST', url: flowPath });
  expect([empty.statusCode, empty.json().detail]).toEqual([400, expect.stringContaining('--data-binary')]);
  expect((await submit(Buffer.from([0xff, 0xfe, 0x41]))).json().detail).toContain('UTF-8');
  const image = await submit('x', { 'content-type': 'image/png' });
  expect([image.statusCode, image.json().detail]).toEqual([415, expect.stringContaining('application/yaml')]);
  expect((await submit('x', { ...yaml, 'content-encoding': 'gzip' })).statusCode).toBe(415);
  expect((await submit('x', { 'content-type': 'text/yaml; charset=latin1' })).statusCode).toBe(415);
});

test("rejects YAML whose line ends curl's -d removed, but accepts JSON without line ends", async () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  expect((await submit(document.replaceAll('\n', ''), form)).json().detail).toContain('--data-binary');
  const topology = { jobId: 'jobx', dag: [{ id: 'a', type: 'raw-source', image: 'a:1', schema: '"string"', out: [] }] };
  expect((await submit(JSON.stringify(topology), form)).statusCode).not.toBe(400);
});

test('rejects an invalid name before it reads the document', async () => {
  const response = await submit(document, yaml, '/kflows/v1/jobx/Job--X');
  expect([response.statusCode, response.json().detail]).toEqual([
    400,
    expect.stringContaining('params.jobId: must consist of lower-case letters'),
  ]);
  const long = await submit(document, yaml, `/kflows/v1/jobx/${'x'.repeat(200)}`);
  expect(long.json().detail).toContain('params.jobId');
});

test.each([
  ['the header', { 'kflow-comment': Buffer.from('für später', 'utf8').toString('latin1') }, ''],
  ['the query', {}, '?comment=f%C3%BCr%20sp%C3%A4ter'],
])('records the comment of %s in the audit log with the caller', async (_, headers, query) => {
  await submit(document, { ...yaml, ...headers, 'kflow-user': 'anna' }, flowPath + query);
  expect(api.flows.requests[0]?.requester).toEqual({ by: 'anna', comment: 'für später' });
});

test('finds the flow of an update by the document, and returns the outcome', async () => {
  await submit(document);
  const response = await submit(document.replace('print:1', 'print:2'), yaml, '/kflows/update/v1');
  expect([response.statusCode, response.headers['kflow-outcome']]).toEqual([200, 'updated']);
  await submit(document, yaml, '/kflows/update/v1?namespace=jobx');
  expect(api.flows.requests.map(({ args }) => args)).toEqual([
    expect.anything(),
    { namespace: undefined },
    { namespace: 'jobx' },
  ]);
});

test('logs changes with the caller and the outcome, and reads at DEBUG', async () => {
  await submit(document, { ...yaml, 'kflow-user': 'anna' });
  await submit(`${document}\n# more`, { ...yaml, 'kflow-user': 'bert' });
  await api.app.inject(flowPath);
  await waitFor('three log lines', () => api.lines.length === 3);
  expect(api.lines).toEqual([
    expect.stringMatching(/^INFO POST \/kflows\/v1\/jobx\/jobx by anna: 201 started in \d+ ms$/),
    expect.stringMatching(/^INFO POST \/kflows\/v1\/jobx\/jobx by bert: 409 flow-exists in \d+ ms$/),
    expect.stringMatching(/^DEBUG GET \/kflows\/v1\/jobx\/jobx by anonymous: 200 in \d+ ms$/),
  ]);
});
