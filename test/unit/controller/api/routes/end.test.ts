import { apiWith, flowPath, type TestApi } from '../support';

let api: TestApi;
beforeEach(async () => {
  api = await apiWith();
});
afterEach(() => api.app.close());

function end(options: string, headers = {}) {
  return api.app.inject({ method: 'DELETE', url: `${flowPath}${options}`, headers });
}

test.each([
  ['', 'delete'],
  ['/', 'delete'],
  ['/force=true', 'force'],
  ['/force%3Dtrue', 'force'],
  ['?force=true', 'force'],
  ['/stop=true', 'stop'],
  ['?stop=true', 'stop'],
  ['?force=false', 'delete'],
  ['/stop=false', 'delete'],
  ['/stop=true?force=false', 'stop'],
  ['?force=true&comment=why', 'force'],
])('DELETE of a flow with "%s" requests %s', async (options, ending) => {
  const response = await end(options);
  expect(response.statusCode).toBe(202);
  expect(response.json()).toMatchObject({ jobId: 'jobx', closeTime: expect.any(String) });
  expect(api.flows.requests.map(({ args }) => args)).toEqual([ending]);
});

test.each([
  ['/force=yes'],
  ['/purge'],
  ['?force=yes'],
  ['?force'],
  ['?force=true&force=true'],
  ['?stop=true&force=true'],
  ['/stop=true?force=true'],
])('rejects DELETE of a flow with "%s", names the options, and ends nothing', async (options) => {
  const response = await end(options);
  expect(response.statusCode).toBe(400);
  for (const option of ['force=true', 'stop=true']) expect(response.json().detail).toContain(option);
  expect(api.flows.requests).toEqual([]);
});

test('does not delete the flow for a misspelled option', async () => {
  const response = await end('?stopp=true');
  expect([response.statusCode, response.json().detail]).toEqual([400, expect.stringContaining('stopp')]);
  expect(api.flows.requests).toEqual([]);
});

test('accepts a JSON content type without a body', async () => {
  expect((await end('/stop=true', { 'content-type': 'application/json' })).statusCode).toBe(202);
});

test('rejects the deletion of a stopped flow, and names force=true', async () => {
  await end('/stop=true');
  const response = await end('');
  expect([response.statusCode, response.json().code]).toEqual([409, 'state-invalid']);
  expect(response.json().detail).toContain('force=true');
  expect((await end('/force=true')).statusCode).toBe(202);
});
