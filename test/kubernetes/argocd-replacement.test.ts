import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { KubernetesObject } from '../../runtime/controller/ports/kubernetes-object';
import { resolveServer } from '../../runtime/servers/resolve-server';
import { waitFor } from '../support/wait-for';
import { GitOpsStage } from './gitops-stage';
import { Kubelet } from './kubelet';
import { connectCluster, sharedKubeconfig } from './support';

const namespace = 'replaced';
let stage: GitOpsStage;
let kubelet: Kubelet;

beforeAll(async () => {
  stage = await GitOpsStage.open(namespace);
  kubelet = await Kubelet.open(namespace);
});
afterAll(async () => {
  await kubelet.close();
  await stage.close();
});

interface Change {
  readonly code?: string;
  readonly parallelism?: number;
  readonly isPaused?: boolean;
}

/** A source, which a change applies to, and a reader. Only a source of objects ends. */
const flow = (jobId: string, mode: string, { code = '1', parallelism = 1, isPaused = false }: Change = {}) => `
jobId: ${jobId}
namespace: ${namespace}
mode: ${mode}
globalConfig: { store: { addr: 'minio.minio.svc:9000', secret: minio } }
dag:
  - id: numbers
${mode === 'batch' ? batchSource(code) : streamSource(code)}${isPaused ? ', update: true, pause: true' : ''} }
    parallelism: ${parallelism}
    out: [leaf]
  - { id: leaf, type: raw, meta: { name: f, code: 'def f(ctx, event): return None' } }
`;

const batchSource = (code: string) => `
    type: fs-source
    format: list
    topics: s3a://texts-${code}
    meta: { checkpoint: true`;

const streamSource = (code: string) => `
    type: raw-source
    schema: { type: record, name: n, fields: [{ name: n, type: long }] }
    meta: { name: f, code: 'def f(ctx): return {"n": ${code}}'`;

/** Workloads of the source that are there, terminating ones included, by kind and name. */
async function workloadsOf(jobId: string): Promise<readonly KubernetesObject[]> {
  const cluster = await connectCluster();
  const kinds = [
    { apiVersion: 'batch/v1', kind: 'Job' },
    { apiVersion: 'apps/v1', kind: 'Deployment' },
    { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  ];
  const selector = `kflow.io/job=${jobId},kflow.io/function=numbers`;
  return (await Promise.all(kinds.map((kind) => cluster.list(kind, namespace, selector)))).flat();
}

const uidOf = ({ metadata }: KubernetesObject) => (metadata as { readonly uid?: string }).uid;
const isTerminating = ({ metadata }: KubernetesObject) => 'deletionTimestamp' in metadata;

async function runningPods(jobId: string): Promise<number> {
  const cluster = await connectCluster();
  const pods = await cluster.list(
    { apiVersion: 'v1', kind: 'Pod' },
    namespace,
    `kflow.io/job=${jobId},kflow.io/function=numbers`,
  );
  return pods.filter(({ status }) => (status as { readonly phase?: string }).phase === 'Running').length;
}

/**
 * Commits a change while the old pods take their time to end, and returns the workloads before and after. The new one is not
 * there while an old pod is.
 */
async function replace(jobId: string, before: string, after: string) {
  const application = stage.application(jobId, namespace);
  stage.commit(jobId, before);
  expect((await application.sync()).phase).toBe('Succeeded');
  const old = await workloadsOf(jobId);
  expect(old).toHaveLength(1);
  await waitFor('the old pods', () => runningPods(jobId));
  const hold = kubelet.hold(jobId, 'numbers');
  stage.commit(jobId, after);
  const sync = application.sync();
  await waitFor('the old workload to end', async () => (await workloadsOf(jobId)).some(isTerminating));
  // a comparison takes longer than the creation of an object
  await application.status();
  expect((await workloadsOf(jobId)).map(uidOf)).toEqual(old.map(uidOf));
  hold.letGo();
  expect((await sync).phase).toBe('Succeeded');
  const replaced = await workloadsOf(jobId);
  expect(replaced).toHaveLength(1);
  return { old: old[0], replaced: replaced[0], application };
}

test.each([
  ['recoded', 'another input of a batch', 'batch', { code: '1' }, { code: '2' }],
  ['widened', 'more replicas of a batch', 'batch', { parallelism: 1 }, { parallelism: 2 }],
  ['grown', 'a StatefulSet in place of a Deployment', 'stream', { parallelism: 1 }, { parallelism: 2 }],
  ['shrunk', 'a Deployment in place of a StatefulSet', 'stream', { parallelism: 2 }, { parallelism: 1 }],
])('%s: a changed source starts when the old one has ended: %s', async (jobId, _what, mode, before, after) => {
  const { old, replaced, application } = await replace(jobId, flow(jobId, mode, before), flow(jobId, mode, after));
  expect(uidOf(replaced as KubernetesObject)).not.toBe(uidOf(old as KubernetesObject));
  const { sync, resources } = await application.status();
  expect([sync, resources.filter(({ requiresPruning }) => requiresPruning)]).toEqual(['Synced', []]);
});

test('a sync without a change leaves every Job alone', async () => {
  const application = stage.application('same', namespace);
  stage.commit('same', flow('same', 'batch'));
  await application.sync();
  const before = await workloadsOf('same');
  expect((await application.sync()).phase).toBe('Succeeded');
  expect((await workloadsOf('same')).map(uidOf)).toEqual(before.map(uidOf));
});

test('a paused Job is suspended in place, and blocks no later sync', async () => {
  const application = stage.application('paused', namespace);
  stage.commit('paused', flow('paused', 'batch'));
  await application.sync();
  const before = await workloadsOf('paused');
  stage.commit('paused', flow('paused', 'batch', { isPaused: true }));
  expect((await application.sync()).phase).toBe('Succeeded');
  const after = await workloadsOf('paused');
  expect(after.map(uidOf)).toEqual(before.map(uidOf));
  expect(after[0]?.spec).toMatchObject({ suspend: true });
  const { resources } = await application.status();
  const isSource = ({ kind, name }: { readonly kind: string; readonly name: string }) =>
    kind === 'Job' && name === after[0]?.metadata.name;
  expect(resources.find(isSource)).toMatchObject({
    sync: 'Synced',
    health: 'Suspended',
  });
  stage.commit('paused', flow('paused', 'batch', { isPaused: true, code: '2' }));
  expect((await application.sync()).phase).toBe('Succeeded');
});

test('kubectl applies a changed batch after its old Jobs have been deleted by their labels', async () => {
  const { path: kubernetes } = await resolveServer('kubernetes');
  const kubectl = async (...args: string[]) => {
    const env = { ...process.env, KUBECONFIG: sharedKubeconfig() };
    return (await promisify(execFile)(kubernetes, ['kubectl', '--namespace', namespace, ...args], { env })).stdout;
  };
  stage.application('applied', namespace);
  const file = path.join(stage.repository, 'applied', 'applied.k8s.yaml');
  stage.commit('applied', flow('applied', 'batch'));
  await kubectl('apply', '-f', file);
  const old = await workloadsOf('applied');
  stage.commit('applied', flow('applied', 'batch', { code: '2' }));
  await kubectl('delete', 'job', '-l', 'kflow.io/job=applied,kflow.io/function=numbers');
  expect(await workloadsOf('applied')).toEqual([]);
  await kubectl('apply', '-f', file);
  const jobs = await workloadsOf('applied');
  expect(jobs).toHaveLength(1);
  expect(jobs.map(({ metadata }) => metadata.name)).not.toEqual(old.map(({ metadata }) => metadata.name));
});
