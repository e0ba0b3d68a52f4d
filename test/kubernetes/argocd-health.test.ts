import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { type ArgoApplication, argoSettings, type ResourceStatus } from '../support/argo-application';
import { waitFor } from '../support/wait-for';
import { GitOpsStage } from './gitops-stage';

const namespace = 'refused';
let stage: GitOpsStage;

beforeAll(async () => {
  stage = await GitOpsStage.open(namespace);
});
afterAll(() => stage.close());

/** A flow of two functions; `stream` are the settings of its streams. */
const flow = (jobId: string, stream = '{}') => `
jobId: ${jobId}
namespace: ${namespace}
mode: stream
globalConfig: { stream: ${stream} }
dag:
  - { id: numbers, type: raw-source, schema: &n { type: record, name: n, fields: [{ name: n, type: long }] }, meta: { name: f, code: 'def f(ctx): return {"n": 1}' }, out: [leaf] }
  - { id: leaf, type: raw, meta: { name: f, code: 'def f(ctx, event): return None' } }
`;

const ownKinds = ['Stream', 'Consumer', 'KeyValue'];

/** Health of the objects that NACK handles, by kind and name. */
async function healthOf(application: ArgoApplication): Promise<ReadonlyMap<string, ResourceStatus>> {
  const { resources } = await application.status();
  const handled = resources.filter(({ kind }) => ownKinds.includes(kind));
  return new Map(handled.map((resource) => [`${resource.kind} ${resource.name}`, resource]));
}

describe('what nats refuses', () => {
  test.each([
    [
      'replicas',
      '{ replicas: 3 }',
      ['KeyValue replicas----state', 'Stream replicas----dead', 'Stream replicas--numbers'],
      /replicas > 1 not supported in non-clustered mode/,
    ],
    ['room', `{ maxBytes: ${2 ** 51} }`, ['Stream room--numbers'], /insufficient storage resources available/],
  ])('fails the sync with the words of NACK, and the fix syncs by itself: %s', async (jobId, wanted, names, words) => {
    const application = stage.application(jobId, namespace);
    stage.commit(jobId, flow(jobId, wanted));
    const refused = await application.sync();
    expect([refused.phase, refused.retries]).toEqual(['Failed', 2]);
    const health = await healthOf(application);
    for (const name of names) {
      const { kind, message } = health.get(name) ?? {};
      expect([name, health.get(name)?.health, message]).toEqual([name, 'Degraded', expect.stringMatching(words)]);
      expect(refused.resources).toContainEqual(expect.objectContaining({ kind, message }));
    }
    // what comes after is not applied
    const reader = health.get(`Consumer ${jobId}--numbers--leaf`);
    expect([reader?.health, reader?.sync]).toEqual(['Missing', 'OutOfSync']);

    stage.commit(jobId, flow(jobId));
    const fixed = await application.sync();
    expect([fixed.phase, fixed.message]).toEqual(['Succeeded', expect.stringContaining('successfully synced')]);
    const healthy = await healthOf(application);
    expect([...healthy.values()].map(({ health }) => health)).toEqual(Array(healthy.size).fill('Healthy'));
  });

  test('a refused change of a stream that works is Degraded too, though its last good generation is older', async () => {
    const application = stage.application('changed', namespace);
    stage.commit('changed', flow('changed'));
    expect((await application.sync()).phase).toBe('Succeeded');
    stage.commit('changed', flow('changed', `{ maxBytes: ${2 ** 51} }`));
    const refused = await application.sync();
    expect(refused.phase).toBe('Failed');
    const stream = (await healthOf(application)).get('Stream changed--numbers');
    expect([stream?.health, stream?.message]).toEqual(['Degraded', expect.stringMatching(/storage/)]);
    stage.commit('changed', flow('changed'));
    expect((await application.sync()).phase).toBe('Succeeded');
  });
});

test('what NACK has not seen, or not applied since a change, is Progressing and says so', async () => {
  const application = stage.application('waiting', namespace);
  stage.commit('waiting', flow('waiting'));
  await stage.stopNack(namespace);
  const first = await application.sync('5s');
  expect([first.phase, first.message]).toEqual(['Running', expect.stringMatching(/^waiting for healthy state of/)]);
  for (const { kind, health, message } of (await healthOf(application)).values()) {
    if (kind === 'Consumer') continue;
    expect([health, message]).toEqual(['Progressing', expect.stringMatching(/control-loop mode/)]);
  }
  await stage.startNack(namespace);
  expect((await application.sync()).phase).toBe('Succeeded');

  await stage.stopNack(namespace);
  stage.commit('waiting', flow('waiting', '{ maxMsgs: 1000 }'));
  await application.sync('5s');
  const stream = (await healthOf(application)).get('Stream waiting--numbers');
  expect([stream?.health, stream?.message]).toEqual(['Progressing', expect.stringMatching(/last change/)]);
  await stage.startNack(namespace);
  expect((await application.sync()).phase).toBe('Succeeded');
});

test('a nats that is away is Degraded, with the words of NACK, and Healthy once it is back', async () => {
  const application = stage.application('away', namespace);
  await stage.stopNats();
  stage.commit('away', flow('away'));
  await application.sync();
  const stream = await waitFor(
    'the error of NACK',
    async () => (await healthOf(application)).get('Stream away--numbers'),
    (seen) => seen?.health === 'Degraded',
  );
  expect(stream?.message).toMatch(/^create or update stream: .*(not connected|no servers available|connection)/);
  await stage.startNats();
  await waitFor(
    'the stream',
    async () => (await healthOf(application)).get('Stream away--numbers'),
    (seen) => seen?.health === 'Healthy',
  );
  expect((await application.sync()).phase).toBe('Succeeded');
});

test('every NACK kind of a flow has a health check', () => {
  const keys = Object.keys(parse(readFileSync(argoSettings, 'utf8')).data);
  expect(keys.map((key) => key.split('_').at(-1))).toEqual(['Stream', 'Consumer', 'KeyValue', 'Account']);
});
