import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { flowKinds } from '../../lib/plan/controller-requirements';
import { type S3Server, startS3Server } from '../../runtime/servers/s3-server';
import { Planted } from '../support/planted';
import { serverFiles } from '../support/server-files';
import { waitFor } from '../support/wait-for';
import { ControllerStage } from './controller-stage';

const namespace = 'passwords';
const planted = new Planted('planted-in-a-cluster-5f2e');
const folder = mkdtempSync(path.join(tmpdir(), 'kflow-passwords-'));
let stage: ControllerStage;
let store: S3Server;

beforeAll(async () => {
  store = await startS3Server(serverFiles(folder, 's3'));
  stage = await ControllerStage.open(namespace);
});
afterAll(async () => {
  await stage?.close();
  await store?.stop();
  rmSync(folder, { recursive: true });
});

const schema = '{"type":"record","name":"n","fields":[{"name":"n","type":"long"}]}';
const run = 'meta: { name: run, code: "def run(ctx, event): return event"';

function document(meta = ''): string {
  const env = `[{ name: DB_PASSWORD, value: ${planted.text} }, { name: DB_URL, value: "postgres://me:${planted.text}@db/x" }]`;
  return `jobId: swept
namespace: ${namespace}
mode: stream
dag:
  - { id: source, type: raw-source, schema: '${schema}', ${run} }, out: [map] }
  - { id: map, type: raw, schema: '${schema}', ${run}, container: { env: ${env} }${meta} }, out: [sink] }
  - { id: sink, type: s3-sink, addr: "${store.endpoint}", user: ${store.user}, password: ${store.password}, topics: s3a://out }
`;
}

test('the passwords of a flow are in Secrets alone: in no other object, answer or log', async () => {
  const flow = `${namespace}/swept`;
  const answers: unknown[] = [await stage.api.call('POST', `/kflows/v1/${flow}`, document())];
  await waitFor('the sink is applied', async () => (await stage.objects('swept', 'Deployment')).length === 3);
  for (const part of ['', '/document', '/history', '/events']) {
    answers.push(await stage.api.call('GET', `/kflows/v1/${flow}${part}`));
  }
  const objects = await stage.objects('swept');
  const events = await stage.admin.list({ apiVersion: 'v1', kind: 'Event' }, namespace);
  expect(flowKinds.length).toBeGreaterThan(8);
  const both = [planted, new Planted(store.password)];
  const isHolder = (object: unknown) => both.some((each) => each.isIn(JSON.stringify(object)));
  const holders = [...objects, ...events].filter(isHolder);
  expect([...new Set(holders.map(({ kind }) => kind))]).toEqual(['Secret']);
  expect(holders.map(({ metadata }) => metadata.name).sort()).toEqual([
    `swept--${store.endpoint.replace('http://', '').replace(/[^a-z0-9]+/g, '-')}`,
    'swept--map--env',
  ]);
  expect([answers, stage.warnings].filter(isHolder)).toEqual([]);
});

test('a password where a ConfigMap would hold it is refused without showing it', async () => {
  const answer = await stage.api.call(
    'POST',
    `/kflows/v1/${namespace}/exposed`,
    document(`, apiToken: ${planted.text}`).replace('swept', 'exposed'),
  );
  expect(answer.status).toBe(422);
  expect(JSON.stringify(answer)).toContain('secret-exposed');
  expect(planted.isIn(JSON.stringify(answer))).toBe(false);
});
