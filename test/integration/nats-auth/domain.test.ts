import type { NatsConnection } from 'nats';
import { connectNats } from '../../../runtime/adapters/jetstream/access/connect-nats';
import { jetStreamOf, managerOf } from '../../../runtime/adapters/jetstream/access/jetstream-api';
import { JetStreamFlowStore } from '../../../runtime/adapters/jetstream/flow-store/jetstream-flow-store';
import { JetStreamStreams } from '../../../runtime/adapters/jetstream/jetstream-streams';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import { freePort } from '../../support/free-port';
import { testKey } from '../../support/installation';
import { LoginPlace, secret } from '../../support/login-place';
import { planOf } from '../../unit/plan/planned';
import { startReplica } from '../replica/replica-run';

/** A hub that has the streams, and a leaf node that the clients connect to. Each has JetStream, in a domain of its own. */
const place = new LoginPlace();
const login = { user: 'me', password: secret };
const connections: NatsConnection[] = [];
const urls = { hub: '', leaf: '' };

beforeAll(async () => {
  const port = await freePort();
  const config = (name: string) => [
    `server_name: ${name}`,
    `authorization { users: [{ user: me, password: "${secret}" }] }`,
    `jetstream { domain: ${name}, store_dir: "${place.dataOf(name)}" }`,
  ];
  const remote = `nats://me:${secret}@127.0.0.1:${port}`;
  const hub = await place.start('hub', [...config('hub'), `leafnodes { listen: "127.0.0.1:${port}" }`]);
  const leaf = await place.start('leaf', [...config('leaf'), `leafnodes { remotes: [{ url: "${remote}" }] }`]);
  Object.assign(urls, { hub: hub.url, leaf: leaf.url });
});
afterAll(() => Promise.all(connections.map((connection) => connection.close())));

async function connected(url: string, domain?: string): Promise<NatsConnection> {
  const access = { url, credentials: place.credentials(login), ...(domain === undefined ? {} : { domain }) };
  const connection = await connectNats(access, 'test');
  connections.push(connection);
  return connection;
}

async function streamsAt(url: string): Promise<readonly string[]> {
  return (await managerOf(await connected(url))).streams.names().next();
}

const schema = { type: 'record', name: 'number', fields: [{ name: 'n', type: 'long' }] } as const;
const code = (text: string) => ({ schema, meta: { language: 'javascript', name: 'run', code: text } });
const dag = [
  {
    id: 'source',
    type: 'raw-source',
    out: ['double'],
    ...code('function* run() { for (let n = 0; n < 50; n++) yield { n }; }'),
  },
  { id: 'double', type: 'raw', out: ['leaf'], ...code('function run(ctx, event) { return { n: event.n * 2 }; }') },
  { id: 'leaf', type: 'raw', ...code('function run() {}') },
];

test('a flow beside a leaf node has its streams, state and schemas in the domain of the hub', async () => {
  const plan = planOf(JSON.stringify({ jobId: 'far', mode: 'batch', dag }));
  const connection = await connected(urls.leaf, 'hub');
  const streams = await JetStreamStreams.open(connection);
  await streams.provision(plan);
  await streams.beginRun(plan);
  const env = { KFLOW_NATS_CREDENTIALS: place.credentials(login), KFLOW_NATS_DOMAIN: 'hub' };
  const [source, ...readers] = ['source', 'double', 'leaf'].map((id) =>
    startReplica({ url: urls.leaf }, plan, id, { env }),
  );
  const ends = await Promise.all(readers.map(({ ended }) => ended));
  expect(ends.map(({ is }) => is)).toEqual(['done', 'done']);
  await source?.stop(); // a source of code stays up

  const stream = plan.streams.find((each) => each.function === 'double')?.name ?? '';
  const manager = await managerOf(await connected(urls.hub));
  const { state } = await manager.streams.info(stream);
  const codec = new AvroSchemaCodec(schema);
  const numbers: number[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    numbers.push((codec.decode((await manager.streams.getMessage(stream, { seq })).data) as { n: number }).n);
  }
  expect(numbers.sort((one, other) => one - other)).toEqual(Array.from({ length: 50 }, (_, n) => 2 * n));
  expect((await streams.endedFunctions(plan)).length).toBe(3);
  expect(await streamsAt(urls.leaf)).toEqual([]);
  await streams.remove(plan);
});

test('documents, records and events of a controller are in the domain too', async () => {
  const connection = await connected(urls.leaf, 'hub');
  const store = await JetStreamFlowStore.open(connection, { replicas: 1, key: testKey() });
  const flow = { namespace: 'orders', jobId: 'words' };
  const digest = await store.putDocument(flow, 'jobId: words');
  expect(await store.document(flow, digest)).toBe('jobId: words');
  const at = '2026-01-01T00:00:00.000Z';
  await store.saveRecord({ ...flow, revisions: [], epochs: {}, runId: '1', startTime: at });
  expect(await store.record(flow)).toMatchObject(flow);
  await store.addEvent({ ...flow, id: 'one', at, kind: 'audit', what: 'submit' });
  expect((await store.events(flow)).map(({ id }) => id)).toEqual(['one']);
  expect(await streamsAt(urls.hub)).toContain('OBJ_kflow_documents');
  expect(await streamsAt(urls.leaf)).toEqual([]);
});

test('values are stored in the domain', async () => {
  const values = await jetStreamOf(await connected(urls.leaf, 'hub')).views.kv('values');
  await values.put('key', 'value');
  expect((await values.get('key'))?.string()).toBe('value');
  expect(await streamsAt(urls.hub)).toContain('KV_values');
});
