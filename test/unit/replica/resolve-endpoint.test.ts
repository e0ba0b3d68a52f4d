import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { S3ObjectStore } from '../../../runtime/adapters/s3/object-store';
import { SearchClient } from '../../../runtime/adapters/search/search-client';
import { resolveEndpoint } from '../../../runtime/replica/resolve-endpoint';
import { planOf, specOf, written } from '../plan/planned';

const code = 'meta: { name: run, code: "def run(ctx, event): return event" }';
const schema = '{"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}';
const plan = planOf(`
jobId: endpoints
dag:
  - { id: source, type: raw-source, schema: '${schema}', ${code}, out: [bucket, index, events] }
  - { id: bucket, type: s3-sink, topics: "s3a://results/in", ${written} }
  - { id: index, type: elastic-sink, topics: orders, addr: "elastic:9200", user: eva, password: hunter3 }
  - { id: events, type: nats-sink, topics: events, addr: "nats://other:4222", ca: /etc/ca.crt }
`);
const bucket = specOf(plan, 'bucket');
const index = specOf(plan, 'index');
const events = specOf(plan, 'events');

const contextOf = (env: NodeJS.ProcessEnv) => ({
  environment: { env, nats: { url: 'nats://own:4222' }, replica: 0 },
  log: () => undefined,
});

/** The environment of a function: each of its variables, with a value that says which it is. */
function environmentOf({ endpoint, target }: FunctionSpec): NodeJS.ProcessEnv {
  const { userEnv, passwordEnv } = endpoint ?? target ?? {};
  return { [userEnv ?? '']: 'the user', [passwordEnv ?? '']: 'the password' };
}

test('gives a connector of an object store the store with its credentials, and the topics', () => {
  const endpoint = resolveEndpoint(bucket, contextOf(environmentOf(bucket)));
  expect(endpoint).toEqual({ topics: 's3a://results/in', store: expect.any(S3ObjectStore) });
  expect(endpoint).toMatchObject({
    store: { address: 'http://s3:9000', options: { addr: 's3:9000', user: 'the user', password: 'the password' } },
  });
});

test('gives a connector of a search server the server with its credentials, and the topics', () => {
  const endpoint = resolveEndpoint(index, contextOf(environmentOf(index)));
  expect(endpoint).toEqual({ topics: 'orders', server: expect.any(SearchClient) });
  expect(endpoint).toMatchObject({
    server: {
      address: 'http://elastic:9200',
      account: { addr: 'elastic:9200', user: 'the user', password: 'the password' },
    },
  });
});

test('gives a connector of nats the server of the document, else that of the flow', () => {
  const accessOf = (target: FunctionSpec['target'], env: NodeJS.ProcessEnv = {}) =>
    (resolveEndpoint({ ...events, target }, contextOf(env)) as unknown as { server: { access: object } }).server.access;
  expect(accessOf(events.target)).toEqual({ url: 'nats://other:4222', ca: '/etc/ca.crt' });
  expect(accessOf({ topics: 'events' })).toEqual({ url: 'nats://own:4222' });
  const identity = { way: 'user and password', authenticator: expect.any(Function) };
  const named = { addr: 'other:4222', topics: 'events', userEnv: 'U', passwordEnv: 'P', caEnv: 'C' };
  expect(accessOf(named, { U: 'u', P: 'p', C: 'pem' })).toEqual({ url: 'other:4222', ca: 'pem', identity });
});

test('refuses a spec without the address or the topics that its type needs', () => {
  const { target: _, ...open } = index;
  const invalid = expect.objectContaining({ code: 'config-invalid' });
  expect(() => resolveEndpoint(open, contextOf({}))).toThrow(invalid);
  expect(() => resolveEndpoint({ ...index, target: { topics: 'orders' } }, contextOf({}))).toThrow(invalid);
});

test('gives a connector that connects to nothing no endpoint', () => {
  expect(resolveEndpoint(specOf(plan, 'source'), contextOf({}))).toBeUndefined();
});

test('names every variable that is not set, and the address it is for', () => {
  const { userEnv, passwordEnv } = bucket.endpoint ?? {};
  const message = `environment: ${userEnv} and ${passwordEnv} not set; set the credentials for s3:9000`;
  expect(() => resolveEndpoint(bucket, contextOf({}))).toThrow(
    expect.objectContaining({ code: 'setting-missing', message }),
  );
});

test('gives an object store its region, CA and session token, and the environment its credentials if none are named', () => {
  const stored = { addr: 's3:9000', topics: 's3a://results', region: 'eu-central-1', pathStyle: false };
  const named = { ...stored, userEnv: 'U', passwordEnv: 'P', sessionTokenEnv: 'T', caEnv: 'C' };
  const ca = '-----BEGIN CERTIFICATE-----';
  const options = (endpoint: FunctionSpec['endpoint'], env: NodeJS.ProcessEnv) =>
    (resolveEndpoint({ ...bucket, endpoint }, contextOf(env)) as unknown as { store: { options: object } }).store
      .options;
  const place = { addr: 's3:9000', region: 'eu-central-1', pathStyle: false };
  expect(options(named, { U: 'u', P: 'p', T: 't', C: ca })).toEqual({
    ...place,
    user: 'u',
    password: 'p',
    sessionToken: 't',
    ca,
  });
  expect(options(stored, {})).toEqual(place);
  expect(() => options(named, { U: 'u', P: 'p' })).toThrow('T and C not set');
});
