import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ArgoApplication } from '../support/argo-application';
import { GitOpsStage } from './gitops-stage';

const namespace = 'synced';
/** Another environment on the same nats, without an account of its own. */
const other = 'synced-too';
let stage: GitOpsStage;

beforeAll(async () => {
  stage = await GitOpsStage.open(namespace, other);
});
afterAll(() => stage.close());

/** numbers -> middle -> leaf, or numbers -> leaf without the one in the middle. */
const flow = (jobId: string, { onDelete = 'keep', hasMiddle = true } = {}) => `
jobId: ${jobId}
namespace: ${namespace}
mode: stream
globalConfig: { stream: { onDelete: ${onDelete} } }
dag:
  - id: numbers
    type: raw-source
    schema: &n { type: record, name: n, fields: [{ name: n, type: long }] }
    meta: { name: f, code: 'def f(ctx): return {"n": 1}' }
    out: [${hasMiddle ? 'middle' : 'leaf'}]
${
  hasMiddle
    ? "  - { id: middle, type: raw, schema: *n, meta: { name: f, code: 'def f(ctx, event): return event' }, out: [leaf] }"
    : ''
}
  - { id: leaf, type: raw, meta: { name: f, code: 'def f(ctx, event): return None' } }
`;

async function streamsOf(jobId: string, environment = namespace): Promise<readonly string[]> {
  const manager = await stage.manager();
  const streams = await manager.streams.list().next();
  const names = streams
    .map(({ config }) => config.name)
    .filter((name) => name.startsWith(`kflow_${environment}_${jobId}_`));
  return names.sort();
}

/** Syncs what is committed; then nothing differs, and automated sync does nothing more. */
async function comesToRest(application: ArgoApplication): Promise<void> {
  const rounds = await application.automate(4);
  expect(rounds.map(({ operation }) => operation?.phase)).toEqual(['Succeeded', undefined, undefined, undefined]);
  expect(rounds.slice(1).map(({ sync }) => sync)).toEqual(['Synced', 'Synced', 'Synced']);
}

test.each([
  ['calm', 'by the structured merge', {}],
  ['calm-client', 'applied and compared on the client', { appliesOnClient: true }],
  ['calm-server', 'compared by the API server', { comparesOnServer: true }],
] as const)('%s: a flow is synced once, whatever others add to its objects, %s', async (jobId, _how, options) => {
  const application = stage.application(jobId, namespace, options);
  stage.commit(jobId, flow(jobId));
  await comesToRest(application);
});

test('objects of a removed function that are kept do not count as a difference, and hold their records', async () => {
  const application = stage.application('kept', namespace);
  stage.commit('kept', flow('kept'));
  await application.sync();
  const before = await streamsOf('kept');
  const manager = await stage.manager();
  const stream = `kflow_${namespace}_kept_middle`;
  const { config } = await manager.streams.info(stream);
  await stage.publish(String(config.subjects?.[0]));

  stage.commit('kept', flow('kept', { hasMiddle: false }));
  await comesToRest(application);
  const { resources } = await application.status();
  const extraneous = resources
    .filter(({ requiresPruning }) => requiresPruning)
    .map(({ kind, name }) => `${kind} ${name}`);
  expect(extraneous).toEqual(['Consumer kept--middle--leaf', 'Consumer kept--numbers--middle', 'Stream kept--middle']);
  expect(await streamsOf('kept')).toEqual(before);
  expect((await manager.streams.info(stream)).state.messages).toBe(1);
});

test('kept objects without IgnoreExtraneous would be synced for ever', async () => {
  const application = stage.application('restless', namespace);
  const without = (document: string) => {
    const { jobId } = stage.commit('restless', document);
    const file = path.join(stage.repository, 'restless', `${jobId}.k8s.yaml`);
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('IgnoreExtraneous', 'unknown'));
  };
  without(flow('restless'));
  await application.sync();
  without(flow('restless', { hasMiddle: false }));
  const rounds = await application.automate(4);
  expect(rounds.map(({ sync, operation }) => [sync, operation?.phase])).toEqual(
    Array(4).fill(['OutOfSync', 'Succeeded']),
  );
});

test('with onDelete: delete, a removed function takes its streams and consumers along, at nats too', async () => {
  const application = stage.application('gone', namespace);
  stage.commit('gone', flow('gone', { onDelete: 'delete' }));
  await application.sync();
  stage.commit('gone', flow('gone', { onDelete: 'delete', hasMiddle: false }));
  await comesToRest(application);
  const prefix = `kflow_${namespace}_gone_`;
  expect(await streamsOf('gone')).toEqual([`${prefix}_dead`, `${prefix}numbers`]);
  const { resources } = await application.status();
  expect(resources.filter(({ requiresPruning }) => requiresPruning)).toEqual([]);
});

test('a deleted Application leaves what is kept, and nats its streams', async () => {
  const application = stage.application('ended', namespace);
  stage.commit('ended', flow('ended'));
  await application.sync();
  const before = await streamsOf('ended');
  const { kept, deleted } = await application.delete();
  expect(deleted).toContain('Deployment ended--middle');
  expect(kept).toContain('Stream ended--middle');
  expect(await streamsOf('ended')).toEqual(before);
});

test('one of two environments of a flow in one account of nats is deleted with its records, and the other keeps all', async () => {
  const environments = [namespace, other].map((each) => ({
    each,
    application: stage.application(`one-${each}`, each),
  }));
  const document = flow('one', { onDelete: 'delete' });
  for (const { each, application } of environments) {
    stage.commit(`one-${each}`, document, { namespace: each });
    expect((await application.sync()).phase).toBe('Succeeded');
    await stage.publish(`kflow.${each}.one.numbers.out`);
  }
  const before = await streamsOf('one', other);
  await environments[0]?.application.delete();
  expect(await streamsOf('one')).toEqual([]);
  expect(await streamsOf('one', other)).toEqual(before);
  const manager = await stage.manager();
  expect((await manager.streams.info(`kflow_${other}_one_numbers`)).state.messages).toBe(1);
  expect((await environments[1]?.application.status())?.sync).toBe('Synced');
});
