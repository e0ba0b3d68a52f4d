import { createHash } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createAccess } from '../../../../../runtime/controller/api/access/access';
import { digestOf } from '../../../../../runtime/controller/api/access/read-tokens';
import { startApi } from '../../../../../runtime/controller/api/api-server';
import { MemoryFlows } from '../../../../support/memory-flows';
import { apiWith, document, flowPath, open, type TestApi } from '../support';

const tokens = {
  view: 'the-token-of-vera-1',
  operate: 'the-token-of-otto-1',
  admin: 'the-token-of-anna-1',
  team: 'the-token-of-team-1',
};
const digest = createHash('sha256').update(tokens.admin).digest('hex');
const text = `# tokens of the tests
- { name: vera, role: view, token: ${tokens.view} }
- { name: otto, role: operate, token: ${tokens.operate} }
- { name: anna, role: admin, sha256: ${digest} }
- { name: team, role: admin, token: ${tokens.team}, namespaces: [team-a] }
`;

let folder: string;
let file: string;
let api: TestApi;
const lines: string[] = [];
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'kflow-tokens-'));
  file = path.join(folder, 'tokens.yaml');
  await writeFile(file, text);
  api = await apiWith({ access: await accessOf() });
});
afterEach(async () => {
  await api.app.close();
  await rm(folder, { recursive: true });
});

const accessOf = () => createAccess({ kind: 'tokens', file }, (level, line) => void lines.push(`${level} ${line}`));

function ask(method: 'GET' | 'POST' | 'DELETE', url: string, token?: string, payload?: string) {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return api.app.inject({
    method,
    url,
    headers: { ...headers, 'content-type': 'text/yaml' },
    ...(payload === undefined ? {} : { payload }),
  });
}

test('rejects a request without a valid token with 401 and a challenge (RFC 6750)', async () => {
  const without = await ask('GET', flowPath);
  expect([without.statusCode, without.json().code]).toEqual([401, 'access-denied']);
  expect(without.headers['www-authenticate']).toBe('Bearer realm="kflow"');
  const unknown = await ask('GET', flowPath, 'the-token-of-nobody');
  expect(unknown.statusCode).toBe(401);
  expect(unknown.headers['www-authenticate']).toBe('Bearer realm="kflow", error="invalid_token"');
  const basic = await api.app.inject({ url: flowPath, headers: { authorization: 'Basic dXNlcjpwdw==' } });
  expect(basic.statusCode).toBe(401);
});

test.each([
  ['begins', (digest: Buffer) => digest.subarray(0, 2)],
  ['ends', (digest: Buffer) => digest.subarray(-2)],
])('rejects a token whose digest %s like that of a known token', async (_how, part) => {
  const known = part(digestOf(tokens.view));
  let attempt = 0;
  while (!part(digestOf(`similar-token-${attempt}`)).equals(known)) attempt += 1;
  expect((await ask('GET', flowPath, `similar-token-${attempt}`)).statusCode).toBe(401);
});

test('requires no token for probes, metrics and documentation', async () => {
  for (const url of ['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs']) {
    expect([url, (await ask('GET', url)).statusCode]).toEqual([url, 200]);
  }
});

test('the token of a task is enough to end it', async () => {
  const url = '/executions/results/v1/jobx';
  expect((await ask('POST', url, undefined, '{"token": "none A"}')).json().detail).toContain('none of a task');
});

test.each([
  ['GET', flowPath, 'view'],
  ['GET', `${flowPath}/logs`, 'view'],
  ['GET', '/kflows/events/v1?namespace=jobx', 'view'],
  ['GET', '/kflows/events/v1', 'admin'],
  ['POST', flowPath, 'operate'],
  ['POST', '/kflows/update/v1', 'operate'],
  ['POST', `${flowPath}/pause`, 'operate'],
  ['DELETE', `${flowPath}/stop=true`, 'operate'],
  ['DELETE', `${flowPath}?force=true`, 'admin'],
  ['DELETE', flowPath, 'admin'],
] as const)('%s %s requires the role %s', async (method, url, needed) => {
  const payload = url.endsWith('/pause') || method !== 'POST' ? undefined : document;
  const roles = ['view', 'operate', 'admin'] as const;
  for (const role of roles) {
    const { statusCode } = await ask(method, url, tokens[role], payload);
    const isAllowed = roles.indexOf(role) >= roles.indexOf(needed);
    expect([role, statusCode < 300 || statusCode === 409]).toEqual([role, isAllowed]);
    if (!isAllowed) expect(statusCode).toBe(403);
  }
});

test('records the name of the token in the audit log, whatever the request claims', async () => {
  const headers = { authorization: `Bearer ${tokens.operate}`, 'kflow-user': 'anna' };
  await api.app.inject({ method: 'POST', url: `${flowPath}/pause`, headers });
  expect(api.flows.requests[0]?.requester.by).toBe('otto');
});

test('restricts a token to its namespaces, and defaults to its only one', async () => {
  expect((await ask('GET', '/kflows/v1/team-a', tokens.team)).json()).toEqual([]);
  const other = await ask('GET', flowPath, tokens.team);
  expect([other.statusCode, other.json().detail]).toEqual([403, expect.stringContaining('team-a')]);
  expect((await ask('GET', '/kflows/v1', tokens.team)).json()).toEqual([]);
  expect((await ask('POST', '/kflows/update/v1?namespace=jobx', tokens.team, document)).statusCode).toBe(403);
  await ask('POST', '/kflows/update/v1', tokens.team, document);
  expect(api.flows.requests.map(({ args }) => args)).toEqual([{ namespace: 'team-a' }]);
});

test('lists only the events of the namespaces of a token', async () => {
  api.flows.happen({ id: 'a1', kind: 'notice', what: 'own', namespace: 'team-a' });
  api.flows.happen({ id: 'b1', kind: 'notice', what: 'foreign', namespace: 'team-b' });
  expect((await ask('GET', '/kflows/events/v1?namespace=team-b', tokens.team)).statusCode).toBe(403);
  const events = await ask('GET', '/kflows/events/v1', tokens.team);
  expect([events.statusCode, events.json()]).toMatchObject([200, [{ id: 'a1' }]]);
});

test('reloads a changed token file; an invalid one changes nothing and is logged once', async () => {
  const replace = async (content: string) => {
    await writeFile(`${file}.new`, content);
    await rename(`${file}.new`, file);
  };
  await replace(text.replace(tokens.view, 'the-token-of-vera-2'));
  expect((await ask('GET', flowPath, tokens.view)).statusCode).toBe(401);
  expect((await ask('GET', flowPath, 'the-token-of-vera-2')).statusCode).toBe(200);
  lines.length = 0;
  await replace('- { name: vera, role: king }\n');
  for (const _ of [1, 2]) expect((await ask('GET', flowPath, 'the-token-of-vera-2')).statusCode).toBe(200);
  expect(lines).toEqual([
    expect.stringMatching(/^ERROR .*\n.*tokens\.yaml:1 {2}role must be one of view, operate, admin/),
  ]);
});

test('reports every invalid line of a token file, and never a token', async () => {
  await writeFile(
    file,
    `- name: vera
  role: view
  token: 12345678901234567890
- { name: otto, role: view, token: short-token }
- { name: anna, role: admin }
- { name: anna, rôle: admin, role: admin, token: ${tokens.admin} }
- { name: bert, role: admin, token: ${tokens.view} }
- { name: bert, role: admin, token: ${tokens.view} }
`,
  );
  await expect(accessOf()).rejects.toMatchObject({ code: 'config-invalid' });
  const { message } = await accessOf().then(
    () => new Error('taken'),
    (error: Error) => error,
  );
  expect(message.replaceAll(file, 'FILE').split('\n')).toEqual([
    'FILE:3  token must be a string; quote it if it is a number',
    'FILE:4  token must have at least 16 characters',
    'FILE:5  must have either token or sha256',
    'FILE:6  unknown key rôle; the keys are name, role, token, sha256, namespaces',
    'FILE:8  the name "bert" is already used; give each token its own name',
    'FILE:8  "bert" has the same token as "bert"; give each name its own token',
  ]);
});

test('reports a token file that is missing, not a list, or not YAML', async () => {
  await rm(file);
  await expect(accessOf()).rejects.toThrow(/tokens\.yaml: cannot read the token file: ENOENT/);
  await writeFile(file, 'name: vera\n');
  await expect(accessOf()).rejects.toThrow(/tokens\.yaml:1 {2}must be a list/);
  await writeFile(file, '- {name: vera\n- x');
  await expect(accessOf()).rejects.toThrow(/tokens\.yaml:\d {2}invalid YAML/);
  await writeFile(file, `${text}---\n- name: eve\n`);
  await expect(accessOf()).rejects.toThrow(/tokens\.yaml:\d+ {2}invalid YAML: MULTIPLE_DOCS/);
});

test('a token file may end with an empty document', async () => {
  await writeFile(file, `${text}---\n# the end\n`);
  await expect(accessOf()).resolves.toBeDefined();
});

test.each(['0.0.0.0', '::', '192.0.2.1', 'controller.example'])('an open API refuses to listen on %s', async (host) => {
  const starting = startApi({ service: new MemoryFlows(), access: open, log: () => undefined, host, port: 0 });
  await expect(starting).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining('set access to a token file or an OIDC issuer'),
  });
});

test('an API with tokens listens on every address', async () => {
  const access = await accessOf();
  const running = await startApi({
    service: new MemoryFlows(),
    access,
    log: () => undefined,
    host: '0.0.0.0',
    port: 0,
  });
  expect((await fetch(`${running.url}/healthz`)).status).toBe(200);
  await running.close();
});

describe('an open API', () => {
  let openApi: TestApi;
  beforeEach(async () => {
    openApi = await apiWith();
  });
  afterEach(() => openApi.app.close());

  const pause = (headers: { [name: string]: string }) =>
    openApi.app.inject({ method: 'POST', url: `${flowPath}/pause`, headers });

  test.each([
    [{ host: 'localhost:9080' }],
    [{ host: '127.0.0.1:9080' }],
    [{ host: '[::1]:9080' }],
    [{ host: 'localhost:9080', origin: 'http://localhost:9080' }],
  ])('accepts requests of this machine: %j', async (headers) => {
    expect((await pause(headers)).statusCode).toBe(202);
  });

  test.each([
    [{ host: 'rebound.example:9080' }],
    [{ host: 'localhost.rebound.example' }],
    [{ host: '192.0.2.1' }],
    [{ host: 'localhost:9080', origin: 'https://page.example' }],
    [{ host: 'localhost:9080', origin: 'http://localhost:3000' }],
    [{ host: 'localhost:9080', origin: 'null' }],
    [{ host: 'localhost', origin: 'http://localhost.page.example' }],
    [{ host: 'localhost:90', origin: 'http://localhost:9080' }],
  ])('rejects requests that a page of another origin sends: %j', async (headers) => {
    const response = await pause(headers);
    expect([response.statusCode, response.json().code]).toEqual([403, 'access-denied']);
    expect(openApi.flows.requests).toEqual([]);
  });

  test('sends no CORS headers', async () => {
    const response = await pause({ host: 'localhost', origin: 'http://localhost' });
    expect(response.headers).not.toHaveProperty('access-control-allow-origin');
  });

  test('records a valid Kflow-User header in the audit log', async () => {
    await pause({ 'kflow-user': 'anna' });
    expect(openApi.flows.requests[0]?.requester).toEqual({ by: 'anna' });
    for (const name of ['x'.repeat(65), 'a\u0007b']) {
      expect([name, (await pause({ 'kflow-user': name })).statusCode]).toEqual([name, 400]);
    }
    expect(openApi.flows.requests).toHaveLength(1);
  });
});
