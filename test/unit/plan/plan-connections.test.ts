import { ConfigError } from '../../../lib/errors';
import { account, planOf, specOf, written } from './planned';

const code = 'name: f, code: "def f(ctx, e): return e"';
const schema = '{type: record, name: r, fields: [{name: n, type: long}]}';
const source = `- { id: list, type: fs-source, format: list, ${written}, topics: "s3a://objects", out: [map] }`;

/** list -> map -> big, bigger -> end; both in the middle send large outputs through their message stores. */
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

  test('are given to the functions that ask for one, by the environment that carries the credentials', () => {
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

  test('are known to their readers, who need no setting of their own', () => {
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

  test('are buckets of the flow, each function with its own part', () => {
    expect(plan.buckets.map(({ bucket, role, prefix }) => [bucket, role, prefix])).toEqual([
      ['objects', 'source', ''],
      ['shared', 'message-store', 'kflow/team/large/big/'],
      ['own-store', 'message-store', 'kflow/team/large/bigger/'],
    ]);
  });

  test('take the default bucket where none is named', () => {
    const text = stores.replace('topics: shared, ', '');
    expect(specOf(planOf(text, { messageBucketDefault: 'kept' }), 'big').messageStore?.bucket).toBe('kept');
    expect(() => planOf(text)).toThrow(/^big: nothing sets globalConfig\.messageStore\.topics \(the bucket\);/);
  });
});

describe('credentials', () => {
  test('are in secrets, under the names that the specs give', () => {
    const plan = planOf(stores);
    expect(plan.secrets).toEqual([
      { name: 'large--list', entries: { KFLOW_ADDR_USER: 'minio', KFLOW_ADDR_PASSWORD: 'hunter2' } },
      { name: 'large--big', entries: { KFLOW_STORE_USER: 'storer', KFLOW_STORE_PASSWORD: 'sesame' } },
      { name: 'large--bigger', entries: { KFLOW_STORE_USER: 'storer', KFLOW_STORE_PASSWORD: 'sesame' } },
      {
        name: 'large--end',
        entries: {
          KFLOW_CLAIM_0_USER: 'storer',
          KFLOW_CLAIM_0_PASSWORD: 'sesame',
          KFLOW_CLAIM_1_USER: 'storer',
          KFLOW_CLAIM_1_PASSWORD: 'sesame',
        },
      },
    ]);
    expect(plan.workloads.map(({ secret }) => secret)).toEqual(plan.secrets.map(({ name }) => name));
  });

  test('never stand in a spec', () => {
    const specs = JSON.stringify(planOf(stores).workloads);
    for (const secret of ['minio', 'hunter2', 'storer', 'sesame']) expect(specs).not.toContain(secret);
  });

  test('have no secret where a function has none', () => {
    const plan = planOf(`dag:\n  ${source}\n  - { id: map, type: raw, meta: {${code}} }`);
    const map = plan.workloads[1];
    expect(map).toMatchObject({ function: 'map' });
    expect(map).not.toHaveProperty('secret');
    expect(plan.secrets.map(({ name }) => name)).toEqual(['flow--list']);
  });
});

describe('automatic download', () => {
  const download = (store: string, meta = '') => `
dag:
  ${source}
  - { id: map, type: raw, meta: {${code}${meta}}, globalConfig: {store: {autoDownload: true${store}}} }
`;

  test('fetches from where the objects were listed', () => {
    const plan = planOf(download('', ', download.directory: /tmp/there'));
    expect(specOf(plan, 'map').download).toEqual({
      addr: 's3:9000',
      userEnv: 'KFLOW_DOWNLOAD_USER',
      passwordEnv: 'KFLOW_DOWNLOAD_PASSWORD',
      directory: '/tmp/there',
    });
    expect(plan.secrets[1]?.entries).toEqual({ KFLOW_DOWNLOAD_USER: 'minio', KFLOW_DOWNLOAD_PASSWORD: 'hunter2' });
  });

  test('fetches from the store that is named', () => {
    const plan = planOf(download(', addr: "other:1", user: u, password: p'));
    expect(specOf(plan, 'map').download?.addr).toBe('other:1');
    expect(plan.secrets[1]?.entries).toMatchObject({ KFLOW_DOWNLOAD_USER: 'u' });
  });
});

describe('addresses', () => {
  const bare = `
dag:
  - { id: list, type: fs-source, format: list, topics: "s3a://objects", out: [map] }
  - { id: map, type: raw, meta: {${code}} }
`;

  test.each([
    ['an address', bare, /^list: nothing sets addr; set it there, or as globalConfig\.store\.addr$/],
    ['a user', bare.replace('topics', 'addr: "s3:9000", topics'), /^list: nothing sets user and password;/],
  ])('without %s are refused, with the function that lacks it', (_title, text, message) => {
    expect(() => planOf(text)).toThrow(ConfigError);
    expect(() => planOf(text)).toThrow(expect.objectContaining({ code: 'setting-missing' }));
    expect(() => planOf(text)).toThrow(message);
  });

  test('fall back to the settings', () => {
    expect(specOf(planOf(bare, { s3Default: account }), 'list').endpoint).toMatchObject({ addr: 's3:9000' });
  });

  test('give way to the embedded store, with their credentials', () => {
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
