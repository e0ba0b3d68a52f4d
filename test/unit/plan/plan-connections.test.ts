import { ConfigError } from '../../../lib/errors';
import { descriptorOf, type FunctionType, functionTypeNames } from '../../../lib/topology/function-types/function-type';
import { account, planOf, specOf, written } from './planned';

const code = 'name: f, code: "def f(ctx, e): return e"';
const schema = '{type: record, name: r, fields: [{name: n, type: long}]}';
const source = `- { id: list, type: fs-source, format: list, ${written}, topics: "s3a://objects", out: [map] }`;

/** list -> big, bigger -> end; `big` and `bigger` write large outputs to message stores. */
const stores = `
namespace: team
jobId: large
globalConfig: {messageStore: {enabled: true, topics: shared, addr: "store:1", user: storer, password: sesame}}
dag:
  - { id: list, type: fs-source, format: list, ${written}, topics: "s3a://objects", out: [big, bigger] }
  - { id: big, type: raw, meta: {${code}}, globalConfig: {messageStore: {enabled: true}}, schema: ${schema}, out: [end] }
  - id: bigger
    type: raw
    meta: {${code}}
    globalConfig: {messageStore: {enabled: true, topics: own-store, addr: "store:2", maxPayloadSize: 5000}}
    schema: ${schema}
    out: [end]
  - { id: end, type: raw, meta: {${code}} }
`;

describe('message stores', () => {
  const plan = planOf(stores);

  test('are in the spec of functions that enable one, with the variables of the credentials', () => {
    expect(specOf(plan, 'big').messageStore).toEqual({
      addr: 'store:1',
      userEnv: 'KFLOW_STORE_USER',
      passwordEnv: 'KFLOW_STORE_PASSWORD',
      bucket: 'shared',
      prefix: 'kflow/team/large/big/',
    });
    expect(specOf(plan, 'bigger').messageStore).toMatchObject({
      addr: 'store:2',
      bucket: 'own-store',
      prefix: 'kflow/team/large/bigger/',
      maxPayloadSize: 5_000,
    });
    expect(specOf(plan, 'end').messageStore).toBeUndefined();
  });

  test('are in the spec of their readers, which need no setting', () => {
    expect(specOf(plan, 'end').claimStores).toEqual([
      {
        addr: 'store:1',
        userEnv: 'KFLOW_CLAIM_0_USER',
        passwordEnv: 'KFLOW_CLAIM_0_PASSWORD',
        bucket: 'shared',
        prefix: 'kflow/team/large/big/',
      },
      {
        addr: 'store:2',
        userEnv: 'KFLOW_CLAIM_1_USER',
        passwordEnv: 'KFLOW_CLAIM_1_PASSWORD',
        bucket: 'own-store',
        prefix: 'kflow/team/large/bigger/',
      },
    ]);
    expect(specOf(plan, 'big').claimStores).toEqual([]);
  });

  test('are buckets of the flow, with a prefix for each function', () => {
    expect(plan.buckets.map(({ bucket, role, prefix }) => [bucket, role, prefix])).toEqual([
      ['objects', 'source', ''],
      ['shared', 'message-store', 'kflow/team/large/big/'],
      ['own-store', 'message-store', 'kflow/team/large/bigger/'],
    ]);
  });

  test('use the default bucket if the document has none', () => {
    const text = stores.replace('topics: shared, ', '');
    expect(specOf(planOf(text, { messageBucketDefault: 'kept' }), 'big').messageStore?.bucket).toBe('kept');
    expect(() => planOf(text)).toThrow(/^big: missing globalConfig\.messageStore\.topics \(the bucket\);/);
  });
});

describe('credentials', () => {
  test('are in one secret per account, which functions share', () => {
    const plan = planOf(stores);
    expect(plan.secrets).toEqual([
      { name: 'large--s3-9000', addr: 's3:9000', entries: { user: 'minio', password: 'hunter2' } },
      { name: 'large--store-1', addr: 'store:1', entries: { user: 'storer', password: 'sesame' } },
      { name: 'large--store-2', addr: 'store:2', entries: { user: 'storer', password: 'sesame' } },
    ]);
    expect(plan.workloads[3]?.secretEnv).toEqual([
      { name: 'KFLOW_CLAIM_0_USER', secret: 'large--store-1', key: 'user' },
      { name: 'KFLOW_CLAIM_0_PASSWORD', secret: 'large--store-1', key: 'password' },
      { name: 'KFLOW_CLAIM_1_USER', secret: 'large--store-2', key: 'user' },
      { name: 'KFLOW_CLAIM_1_PASSWORD', secret: 'large--store-2', key: 'password' },
    ]);
  });

  test('of a second account at the same address are in a numbered secret', () => {
    const second = `${source}\n  - { id: map, type: s3-sink, addr: "s3:9000", user: else, password: p, topics: "s3a://out" }`;
    expect(planOf(`dag:\n  ${second}`).secrets.map(({ name }) => name)).toEqual(['flow--s3-9000', 'flow--s3-9000-2']);
  });

  test('are in an existing secret if the document names one', () => {
    const named = `
globalConfig: {store: {addr: "s3:1", user: a, password: b}}
dag:
  - { id: list, type: fs-source, format: list, secret: theirs, topics: "s3a://objects", out: [map] }
  - { id: map, type: raw, meta: {${code}}, globalConfig: {store: {autoDownload: true, secret: theirs}} }
`;
    const plan = planOf(named);
    expect(plan.secrets).toEqual([
      { name: 'theirs', isGiven: true, entries: { user: undefined, password: undefined } },
    ]);
    expect(plan.workloads.map(({ secretEnv }) => secretEnv[0]?.secret)).toEqual(['theirs', 'theirs']);
  });

  test('that the document omits are in secrets of the cluster', () => {
    const open = `dag:\n  - { id: list, type: fs-source, format: list, addr: "s3:1", topics: "s3a://objects", out: [map] }\n  - { id: map, type: raw, meta: {${code}} }`;
    expect(planOf(open, { hasClusterSecrets: true }).secrets).toEqual([
      { name: 'flow--s3-1', addr: 's3:1', entries: { user: undefined, password: undefined } },
    ]);
  });

  test('in the env of a container are moved to a secret', () => {
    const env = 'container: {env: [{name: DB_PASSWORD, value: open-sesame}, {name: MAX_TOKENS, value: "5"}]}';
    const plan = planOf(`dag:\n  ${source}\n  - { id: map, type: raw, meta: {${code}, ${env}} }`);
    expect(plan.workloads[1]?.container.env).toEqual([{ name: 'MAX_TOKENS', value: '5' }]);
    expect(plan.workloads[1]?.secretEnv).toEqual([
      { name: 'DB_PASSWORD', secret: 'flow--map--env', key: 'DB_PASSWORD' },
    ]);
    expect(plan.secrets[1]).toEqual({ name: 'flow--map--env', entries: { DB_PASSWORD: 'open-sesame' } });
    expect(JSON.stringify(plan.workloads)).not.toContain('open-sesame');
  });

  test('never appear in a spec', () => {
    const specs = JSON.stringify(planOf(stores).workloads);
    for (const secret of ['minio', 'hunter2', 'storer', 'sesame']) expect(specs).not.toContain(secret);
  });

  test('need no secret if a function has none', () => {
    const plan = planOf(`dag:\n  ${source}\n  - { id: map, type: raw, meta: {${code}} }`);
    const map = plan.workloads[1];
    expect(map).toMatchObject({ function: 'map' });
    expect(map?.secretEnv).toEqual([]);
    expect(plan.secrets.map(({ name }) => name)).toEqual(['flow--s3-9000']);
  });
});

describe('automatic download', () => {
  const download = (store: string, meta = '') => `
dag:
  ${source}
  - { id: map, type: raw, meta: {${code}${meta}}, globalConfig: {store: {autoDownload: true${store}}} }
`;

  test('uses the server of the source that lists the objects', () => {
    const plan = planOf(download('', ', download.directory: /tmp/there'));
    expect(specOf(plan, 'map').download).toEqual({
      addr: 's3:9000',
      userEnv: 'KFLOW_DOWNLOAD_USER',
      passwordEnv: 'KFLOW_DOWNLOAD_PASSWORD',
      directory: '/tmp/there',
    });
    expect(plan.workloads[1]?.secretEnv[0]).toEqual({
      name: 'KFLOW_DOWNLOAD_USER',
      secret: 'flow--s3-9000',
      key: 'user',
    });
  });

  test('uses the store that the function names', () => {
    const plan = planOf(download(', addr: "other:1", user: u, password: p'));
    expect(specOf(plan, 'map').download?.addr).toBe('other:1');
    expect(plan.secrets[1]?.entries).toEqual({ user: 'u', password: 'p' });
  });
});

describe('connections', () => {
  const bare = `
dag:
  - { id: list, type: fs-source, format: list, topics: "s3a://objects", out: [map] }
  - { id: map, type: raw, meta: {${code}} }
`;

  test.each([
    ['an address', bare, /^list: missing addr; required on the function or in globalConfig\.store$/],
    ['a user', bare.replace('topics', 'addr: "s3:9000", topics'), /^list: missing user and password;/],
  ])('without %s are rejected; the message names the function', (_title, text, message) => {
    expect(() => planOf(text)).toThrow(ConfigError);
    expect(() => planOf(text)).toThrow(expect.objectContaining({ code: 'setting-missing' }));
    expect(() => planOf(text)).toThrow(message);
  });

  test('without a server in the document use the server of the settings', () => {
    expect(specOf(planOf(bare, { s3Default: account }), 'list').endpoint).toMatchObject({ addr: 's3:9000' });
  });

  test('use the embedded store and its credentials if there is one', () => {
    const embedded = { addr: '127.0.0.1:1', user: 'me', password: 'mine' };
    const plan = planOf(stores, { s3Override: embedded });
    const connections = plan.workloads.flatMap(({ spec }) => [
      ...[spec.endpoint, spec.download, spec.messageStore].filter((each) => each !== undefined),
      ...spec.claimStores,
    ]);
    expect(new Set(connections.map(({ addr }) => addr))).toEqual(new Set(['127.0.0.1:1']));
    expect(new Set(plan.secrets.flatMap(({ entries }) => Object.values(entries)))).toEqual(new Set(['me', 'mine']));
  });
});

describe('a function with an address, topics, user and password', () => {
  const record = { type: 'record', name: 'r', fields: [{ name: 'n', type: 'long' }] };
  const userCode = { name: 'f', code: 'def f(ctx, e): return e' };

  const planOwn = (type: FunctionType) => {
    const { kind, format, code: own, topics } = descriptorOf(type);
    const fn = {
      id: 'own',
      type,
      ...{ addr: 'server:1', topics: topics?.example ?? 'orders', user: 'me', password: 'sesame' },
      ...(format === 'required' ? { format: 'list' } : {}),
      ...(kind === 'source' ? { out: ['last'] } : {}),
      ...(own === 'none' ? {} : { meta: userCode, schema: record }),
    };
    const first = { id: 'first', type: 'raw-source', schema: record, meta: userCode, out: ['own'] };
    const last = { id: 'last', type: 'raw', meta: userCode };
    const plan = planOf(JSON.stringify({ dag: kind === 'source' ? [fn, last] : [first, fn] }));
    const workload = plan.workloads.find((each) => each.function === 'own');
    const { endpoint, target } = specOf(plan, 'own');
    return { endpoint, target, workload, secrets: plan.secrets };
  };
  test.each(functionTypeNames.filter((type) => descriptorOf(type).kind !== 'worker'))(
    'connects as the descriptor of %s declares',
    (type) => {
      const { endpoint, target, workload, secrets } = planOwn(type);
      const { connectsTo, topics } = descriptorOf(type);
      const connection = {
        addr: 'server:1',
        topics: topics?.example ?? 'orders',
        userEnv: 'KFLOW_ADDR_USER',
        passwordEnv: 'KFLOW_ADDR_PASSWORD',
      };
      expect({ endpoint, target }).toEqual({
        endpoint: connectsTo === 'object-store' ? connection : undefined,
        target: connectsTo === 'search-server' || connectsTo === 'nats-server' ? connection : undefined,
      });
      if (connectsTo === 'nothing') return expect(workload?.secretEnv).toEqual([]);
      expect(workload?.addresses).toEqual(['server:1']);
      expect(workload?.secretEnv).toEqual([
        { name: 'KFLOW_ADDR_USER', secret: 'flow--server-1', key: 'user' },
        { name: 'KFLOW_ADDR_PASSWORD', secret: 'flow--server-1', key: 'password' },
      ]);
      expect(secrets).toEqual([
        { name: 'flow--server-1', addr: 'server:1', entries: { user: 'me', password: 'sesame' } },
      ]);
    },
  );
});

test('pods may connect to the port of nats where the address of a nats has neither scheme nor port', () => {
  const plan = planOf(`
jobId: sent
mode: stream
globalConfig: {sideStream: {enabled: true, addr: errors.nats.svc, errorTopics: errors.all}}
dag:
  - { id: numbers, type: raw-source, schema: ${schema}, meta: {${code}}, out: [open, guarded] }
  - { id: open, type: nats-sink, topics: results, addr: "tls://one.nats.svc, two.nats.svc:4333" }
  - { id: guarded, type: nats-sink, topics: results, addr: three.nats.svc, user: me, password: sesame }
`);
  const addresses = (id: string) => plan.workloads.find((workload) => workload.function === id)?.addresses;
  expect(addresses('open')).toEqual(['one.nats.svc:4222', 'two.nats.svc:4333', 'errors.nats.svc:4222']);
  expect(addresses('guarded')).toEqual(['three.nats.svc:4222', 'errors.nats.svc:4222']);
});
