import type { PlanSettings } from '../../../lib/plan/plan-connections';
import { account, planOf, specOf } from './planned';

const planSink = (fields: string, { store = '', ...settings }: PlanSettings & { readonly store?: string } = {}) =>
  planOf(
    `
jobId: job
globalConfig: { store: { ${store} } }
dag:
  - { id: read, type: raw-source, schema: {type: record, name: r, fields: []}, meta: {name: f, code: f}, out: [write] }
  - { id: write, type: s3-sink, topics: "s3a://results", ${fields} }
`,
    settings,
  );
const endpointOf = (...given: Parameters<typeof planSink>) => specOf(planSink(...given), 'write').endpoint;
const access = 'addr: "s3:1", user: u, password: p';

test('the region, the CA and the place of the bucket are in the spec and in the buckets of the flow', () => {
  const plan = planSink(`${access}, region: eu-central-1, ca: /etc/ca.crt, pathStyle: false`);
  const place = { region: 'eu-central-1', ca: '/etc/ca.crt', pathStyle: false };
  expect(specOf(plan, 'write').endpoint).toMatchObject({ addr: 's3:1', ...place });
  expect(plan.buckets).toMatchObject([{ bucket: 'results', ...place }]);
});

test('a session token is a key of the Secret', () => {
  const plan = planSink(`${access}, sessionToken: t`);
  expect(specOf(plan, 'write').endpoint).toMatchObject({ sessionTokenEnv: 'KFLOW_ADDR_SESSION_TOKEN' });
  expect(plan.secrets).toMatchObject([{ entries: { user: 'u', password: 'p', sessionToken: 't' } }]);
  expect(plan.workloads[1]?.secretEnv.map(({ key }) => key)).toEqual(['user', 'password', 'sessionToken']);
});

test('a named Secret is read for the keys that the document names', () => {
  const plan = planSink('addr: "s3:1", secret: minio, secretKeys: [ca.crt, sessionToken]', { hasClusterSecrets: true });
  expect(plan.workloads[1]?.secretEnv).toEqual([
    { name: 'KFLOW_ADDR_USER', secret: 'minio', key: 'user' },
    { name: 'KFLOW_ADDR_PASSWORD', secret: 'minio', key: 'password' },
    { name: 'KFLOW_ADDR_CA', secret: 'minio', key: 'ca.crt' },
    { name: 'KFLOW_ADDR_SESSION_TOKEN', secret: 'minio', key: 'sessionToken' },
  ]);
  expect(specOf(plan, 'write').endpoint).toMatchObject({
    caEnv: 'KFLOW_ADDR_CA',
    sessionTokenEnv: 'KFLOW_ADDR_SESSION_TOKEN',
  });
});

test('credentials of the environment need no Secret', () => {
  const plan = planSink('addr: "s3:1", auth: environment');
  expect(specOf(plan, 'write').endpoint).toEqual({ addr: 's3:1', topics: 's3a://results' });
  expect([plan.secrets, plan.workloads[1]?.secretEnv]).toEqual([[], []]);
  expect(plan.buckets).toEqual([{ addr: 's3:1', bucket: 'results', role: 'sink', prefix: '' }]);
});

test.each([
  ['inherits them with the address', '', { addr: 's3:1', region: 'eu-central-1', pathStyle: false }],
  ['overrides them', 'region: us-west-2', { addr: 's3:1', region: 'us-west-2', pathStyle: false }],
  ['does not inherit them for another address', 'addr: "minio:9000"', { addr: 'minio:9000' }],
])('a function %s', (_, fields, expected) => {
  const store = `${access}, region: eu-central-1, pathStyle: false`;
  const { topics: _topics, userEnv: _user, passwordEnv: _password, ...place } = endpointOf(fields, { store }) ?? {};
  expect(place).toEqual(expected);
});

test.each([
  ['a user replaces the environment', 'auth: environment', 'user: u, password: p', ['user', 'password']],
  ['the environment replaces a user', 'user: u, password: p, sessionToken: t', 'auth: environment', []],
  [
    'another user has no session token',
    'user: u, password: p, sessionToken: t',
    'user: v, password: w',
    ['user', 'password'],
  ],
  [
    'a user replaces a Secret and its keys',
    'secret: s, secretKeys: [ca.crt]',
    'user: u, password: p',
    ['user', 'password'],
  ],
  ['a Secret replaces the environment', 'auth: environment', 'secret: s', ['user', 'password']],
])('%s', (_, outer, inner, keys) => {
  const plan = planSink(inner, { store: `addr: "s3:1", ${outer}`, hasClusterSecrets: true });
  expect(plan.workloads[1]?.secretEnv.map(({ key }) => key)).toEqual(keys);
});

test('the object store of the settings brings its region, CA and session token', () => {
  const s3Default = { ...account, region: 'eu-north-1', ca: '/etc/ca.crt', sessionToken: 't' };
  expect(endpointOf('', { s3Default })).toMatchObject({
    addr: account.addr,
    region: 'eu-north-1',
    ca: '/etc/ca.crt',
    sessionTokenEnv: 'KFLOW_ADDR_SESSION_TOKEN',
  });
  const own = endpointOf('addr: "s3:1", user: u, password: p', { s3Default });
  expect(own).toEqual({
    addr: 's3:1',
    userEnv: 'KFLOW_ADDR_USER',
    passwordEnv: 'KFLOW_ADDR_PASSWORD',
    topics: 's3a://results',
  });
});

test('the embedded store replaces all of them', () => {
  const settings = { s3Override: { addr: '127.0.0.1:1', user: 'me', password: 'mine' } };
  expect(endpointOf('addr: "s3:1", auth: environment, region: eu-central-1, ca: /etc/ca.crt', settings)).toEqual({
    addr: '127.0.0.1:1',
    userEnv: 'KFLOW_ADDR_USER',
    passwordEnv: 'KFLOW_ADDR_PASSWORD',
    topics: 's3a://results',
  });
});
