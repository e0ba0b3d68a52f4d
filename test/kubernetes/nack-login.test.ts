import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { FlowApp } from '../../lib/constructs/flow-app';
import { NackAccount } from '../../lib/constructs/streams/nack-account';
import { connectNats } from '../../runtime/adapters/jetstream/access/connect-nats';
import { LoginPlace, type LoginWay, withoutLineBreaks } from '../support/login-place';
import { GitOpsStage } from './gitops-stage';
import { connectCluster } from './support';

/** NACK logs in with the Secret of its Account: in one namespace with the right one, in the other with a wrong one. */
const place = new LoginPlace();
const ways = place.ways();
const namespaces = { right: 'nack-right', wrong: 'nack-wrong' } as const;
let stage: GitOpsStage;

beforeAll(async () => {
  stage = await GitOpsStage.open(...Object.values(namespaces));
  for (const { name, config } of ways) urls.set(name, (await place.start(name.replaceAll(' ', '-'), config)).url);
});
afterAll(() => stage.close());

const urls = new Map<string, string>();
const urlOf = ({ name, scheme }: LoginWay) => String(urls.get(name)).replace('nats:', `${scheme}:`);

const flow = (jobId: string, namespace: string) => `
jobId: ${jobId}
namespace: ${namespace}
mode: stream
dag:
  - { id: numbers, type: raw-source, schema: &n { type: record, name: n, fields: [{ name: n, type: long }] }, meta: { name: f, code: 'def f(ctx): return {"n": 1}' }, out: [leaf] }
  - { id: leaf, type: raw, meta: { name: f, code: 'def f(ctx, event): return None' } }
`;

/** A flow with an Account of its own, whose Secret has these files, as an Application. */
async function commit(way: LoginWay, which: 'right' | 'wrong') {
  const name = `${which}-${way.name.replaceAll(' ', '-').toLowerCase()}`;
  const namespace = namespaces[which];
  const metadata = { name: `login-${name}`, namespace };
  const cluster = await connectCluster();
  await cluster.apply({ apiVersion: 'v1', kind: 'Secret', metadata, stringData: withoutLineBreaks(way[which]) });
  const application = stage.application(name, namespace);
  const app = new FlowApp();
  new NackAccount(app, 'account', { name, namespace, servers: [urlOf(way)], secret: metadata.name });
  writeFileSync(path.join(stage.repository, name, 'account.yaml'), [...app.texts().values()].join(''));
  const nats = { natsUrl: urlOf(way), natsSecrets: [metadata.name], nackAccount: name };
  return { application, plan: stage.commit(name, flow(name, namespace), nats) };
}

const ownKinds = ['Account', 'Consumer', 'KeyValue', 'Stream'];
/** Enough on a busy machine: a sync ends by what NACK says. */
const patience = '240s';

test.each(ways)('NACK makes the streams of a flow on a nats that asks for $name', async (way) => {
  const { application, plan } = await commit(way, 'right');
  const { phase, message } = await application.sync(patience);
  expect([phase, message]).toEqual(['Succeeded', expect.any(String)]);
  const { resources } = await application.status();
  const own = resources.filter(({ kind }) => ownKinds.includes(kind));
  expect([...new Set(own.map(({ kind }) => kind))].sort()).toEqual(ownKinds);
  expect(own.filter(({ health }) => health !== 'Healthy')).toEqual([]);
  expect(own.find(({ kind }) => kind === 'Account')?.message).toBe('Account is ready');
  const connection = await connectNats({ url: urlOf(way), credentials: place.credentials(way.right) }, 'test');
  const manager = await connection.jetstreamManager();
  for (const { name } of plan.streams) expect((await manager.streams.info(name)).config.name).toBe(name);
  await connection.close();
});

/** NACK may see a connection that ends where the server refuses its certificate. */
const words = /Authorization Violation|unknown certificate authority|connection reset|broken pipe|EOF/;

test.each(ways)(
  'a sync fails when nats refuses the Secret of NACK with $name, and shows nothing of it',
  async (way) => {
    const { application } = await commit(way, 'wrong');
    const sync = await application.sync(patience);
    expect([sync.phase, sync.message]).toEqual(['Failed', expect.any(String)]);
    const { resources } = await application.status();
    const streams = resources.filter(({ kind }) => kind === 'Stream');
    expect(streams.map(({ health, message }) => [health, message])).toEqual(
      streams.map(() => ['Degraded', expect.stringMatching(words)]),
    );
    expect(streams.length).toBeGreaterThan(0);
    const shown = JSON.stringify([sync, resources]);
    for (const text of Object.values(way.wrong)) expect(text.length > 8 && shown.includes(text.trim())).toBe(false);
  },
);
