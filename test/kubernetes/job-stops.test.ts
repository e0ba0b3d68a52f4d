import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { renderWorkloads } from '../../lib/constructs/controlled-flow';
import type { KubernetesObjects } from '../../runtime/adapters/kubernetes/kubernetes-objects';
import type { KubernetesObject } from '../../runtime/controller/ports/kubernetes-object';
import { waitFor } from '../support/wait-for';
import { planOf } from '../unit/plan/planned';
import { Kubelet } from './kubelet';
import { connectCluster, makeRestrictedNamespace, sharedKubeconfig } from './support';

const namespace = 'job-stops';
let cluster: KubernetesObjects;
let kubelet: Kubelet;

beforeAll(async () => {
  cluster = await connectCluster();
  await makeRestrictedNamespace(namespace);
  kubelet = await Kubelet.open(namespace);
});
afterAll(() => kubelet.close());

interface JobStatus {
  readonly failed?: number;
  readonly failedIndexes?: string;
  readonly conditions?: readonly { readonly type: string; readonly reason: string }[];
}

const annotation = 'batch.kubernetes.io/job-index';

/** The Job of a function with two replicas; the failure limit defaults to a flow's. */
async function applyJob(jobId: string, retries?: number): Promise<KubernetesObject> {
  const document = `namespace: ${namespace}
jobId: ${jobId}
mode: batch
dag:
- { id: list, type: fs-source, format: list, addr: 's3:1', topics: 's3a://texts', out: [map] }
- { id: map, type: raw, parallelism: 2, meta: { name: f, code: 'def f(ctx, e): return e' } }
`;
  const plan = planOf(document, { hasClusterSecrets: true });
  const objects: readonly KubernetesObject[] = renderWorkloads(plan, { image: 'kflow:test', natsUrl: 'nats://nats:1' });
  for (const object of objects.filter(({ kind }) => kind !== 'Job')) await cluster.apply(object);
  const job = objects.find(({ metadata, kind }) => kind === 'Job' && metadata.name === `${jobId}--map`);
  if (job === undefined) throw new Error('no Job');
  const limit = retries === undefined ? {} : { backoffLimitPerIndex: retries };
  await cluster.apply({ ...job, spec: { ...(job.spec as object), ...limit } });
  return job;
}

const statusOf = async (job: KubernetesObject): Promise<JobStatus> => (await cluster.read(job))?.status ?? {};

/** Waits until two pods run that are not among these, and returns them. */
function running(job: KubernetesObject, but: readonly KubernetesObject[] = []): Promise<readonly KubernetesObject[]> {
  const old = new Set(but.map(({ metadata }) => metadata.uid));
  return waitFor(`two pods of ${job.metadata.name}`, async () => {
    const pods = await cluster.list({ apiVersion: 'v1', kind: 'Pod' }, namespace, `job-name=${job.metadata.name}`);
    const own = pods.filter(
      ({ metadata, status }) => !old.has(metadata.uid) && (status as { phase?: string }).phase === 'Running',
    );
    return own.length === 2 && own;
  });
}

async function evict({ metadata: { name } }: KubernetesObject): Promise<void> {
  const config = new KubeConfig();
  config.loadFromFile(sharedKubeconfig());
  const core = config.makeApiClient(CoreV1Api);
  await core.createNamespacedPodEviction({ name, namespace, body: { metadata: { name, namespace } } });
}

test('a batch replica stopped by SIGTERM or eviction runs again and does not count as a failure', async () => {
  const job = await applyJob('told', 0);
  const [deleted, evicted] = (await running(job)) as [KubernetesObject, KubernetesObject];
  await cluster.remove(deleted);
  await evict(evicted);
  // Each replica counts by itself: failures of the Job are not added up.
  const next = await running(job, [deleted, evicted]);
  const counts = next.map(({ metadata }) => [
    metadata.annotations?.[`${annotation}-failure-count`],
    metadata.annotations?.[`${annotation}-ignored-failure-count`],
  ]);
  expect(counts).toEqual([
    ['0', '1'],
    ['0', '1'],
  ]);
  const { failed = 0, failedIndexes, conditions = [] } = await statusOf(job);
  expect({ failed, failedIndexes, conditions }).toEqual({ failed: 0, failedIndexes: '', conditions: [] });
});

test('a replica that exceeds its crash limit fails the whole Job at once', async () => {
  const job = await applyJob('crashed', 0);
  await running(job);
  kubelet.conduct('crashed', 'map', 'crash');
  const conditions = await waitFor('its end', async () => {
    const { conditions: found = [] } = await statusOf(job);
    return found.some(({ type }) => type === 'Failed') && found;
  });
  expect(conditions).toContainEqual(expect.objectContaining({ type: 'Failed', reason: 'MaxFailedIndexesExceeded' }));
});
