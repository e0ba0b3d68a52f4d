import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crashLine } from '../../bench/memory-cluster';
import { KubernetesCluster } from '../../runtime/adapters/kubernetes/kubernetes-cluster';
import type { KubernetesObjects } from '../../runtime/adapters/kubernetes/kubernetes-objects';
import { type FlowKey, flowName } from '../../runtime/api-contract/flow-key';
import type { WorkloadState } from '../../runtime/controller/ports/cluster';
import type { KubernetesObject } from '../../runtime/controller/ports/kubernetes-object';
import { type ClusterWorkload, renderClusterWorkload } from '../contract/cluster-workload';
import { waitFor } from '../support/wait-for';
import { ApiProxy } from './api-proxy';
import { container, Kubelet, running } from './kubelet';
import { limitedAccess } from './limited-access';
import { connectCluster, makeNamespace } from './support';

const namespace = 'clustered';
const folder = mkdtempSync(join(tmpdir(), 'kflow-cluster-'));
const labelsOf = (jobId: string) => ({ 'app.kubernetes.io/managed-by': 'kflow', 'kflow.io/job': jobId });
let admin: KubernetesObjects;
let cluster: KubernetesCluster;
let kubelet: Kubelet;

beforeAll(async () => {
  admin = await connectCluster();
  await makeNamespace(namespace);
  const file = await limitedAccess(namespace, folder);
  cluster = await KubernetesCluster.open({ file, namespaces: [namespace], guardsData: true });
  kubelet = await Kubelet.open(namespace);
});
afterAll(async () => {
  await cluster.close();
  await kubelet.close();
  rmSync(folder, { recursive: true });
});

const deployment: ClusterWorkload = { kind: 'deployment', function: 'fn', replicas: 1 };
const job: ClusterWorkload = { kind: 'job', function: 'fn', replicas: 2 };

function apply(jobId: string, ...workloads: readonly ClusterWorkload[]): Promise<void> {
  const flow = { namespace, jobId };
  return cluster.apply(
    flow,
    workloads.flatMap((workload) => renderClusterWorkload(flow, workload)),
  );
}

/** Waits until the flow's only workload meets a condition. */
function state(jobId: string, holds: (state: WorkloadState) => boolean): Promise<WorkloadState> {
  return waitFor(`the workload of ${jobId}`, async () =>
    (await cluster.workloads({ namespace, jobId })).find((each) => holds(each)),
  );
}

function areReady(count: number) {
  return ({ replicas, isSettling }: WorkloadState) =>
    !isSettling && replicas.length === count && replicas.every(({ phase }) => phase === 'ready');
}

function configMap(name: string, labels: { readonly [label: string]: string } = {}): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels }, data: { whose: 'its own' } };
}

/** Something happens to a pod, so many minutes after now: the control plane has told its own events by then. */
async function happens(pod: string, minutes: number, event: object): Promise<void> {
  const live = await admin.read({ apiVersion: 'v1', kind: 'Pod', metadata: { name: pod, namespace } });
  const involvedObject = { apiVersion: 'v1', kind: 'Pod', name: pod, namespace, uid: live?.metadata.uid };
  const lastTimestamp = new Date(Date.now() + minutes * 60_000).toISOString();
  const metadata = { name: `${pod}.${minutes}`, namespace };
  await admin.apply({ apiVersion: 'v1', kind: 'Event', metadata, involvedObject, lastTimestamp, ...event });
}

const liveJob = (jobId: string) =>
  admin.read({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: `${jobId}--fn`, namespace } });

describe('apply', () => {
  it('refuses to change objects that do not belong to the flow', async () => {
    await admin.apply(configMap('guest--fn'));
    await admin.apply(configMap('taken--fn', labelsOf('other')));
    await expect(apply('guest', deployment)).rejects.toMatchObject({
      name: 'ConfigError',
      code: 'config-invalid',
      message: `flow ${namespace}/guest: the ConfigMap ${namespace}/guest--fn already exists and has no labels of a flow; delete it, or choose another jobId`,
    });
    await expect(apply('taken', deployment)).rejects.toThrow(
      `already exists and belongs to the flow ${namespace}/other;`,
    );
    expect(await admin.read(configMap('guest--fn'))).toMatchObject({ data: { whose: 'its own' } });
    expect(await cluster.workloads({ namespace, jobId: 'guest' })).toEqual([]);
  });

  it('rejects objects of another namespace', async () => {
    const stray = { ...configMap('stray--fn'), metadata: { name: 'stray--fn', namespace: 'default' } };
    await expect(cluster.apply({ namespace, jobId: 'stray' }, [stray])).rejects.toThrow(
      `flow ${namespace}/stray: ConfigMap default/stray--fn is in another namespace`,
    );
  });

  it('reverts changes by others', async () => {
    await apply('forced', deployment);
    const live = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'forced--fn', namespace } };
    await state('forced', areReady(1));
    await kubelet.scaleAs('somebody', live, 3);
    await state('forced', ({ desired }) => desired === 3);
    await apply('forced', deployment);
    expect((await admin.read(live))?.spec).toMatchObject({ replicas: 1 });
  });

  it('scales a Job in place', async () => {
    await apply('elastic', job);
    const before = await state('elastic', areReady(2));
    await apply('elastic', { ...job, replicas: 3 });
    const after = await state('elastic', areReady(3));
    expect(after.replicas).toEqual(expect.arrayContaining([...before.replicas]));
    await apply('elastic', { ...job, replicas: 1 });
    expect((await state('elastic', areReady(1))).desired).toBe(1);
  });

  it('recreates a Job only after its pods have finished their records', async () => {
    await apply('patient', job);
    await state('patient', areReady(2));
    const first = await liveJob('patient');
    const held = kubelet.hold('patient', 'fn');
    let isDone = false;
    const applied = apply('patient', { ...job, hash: 'two' }).then(() => {
      isDone = true;
    });
    const areEnding = ({ desired, replicas }: WorkloadState) =>
      desired === 0 && replicas.length === 2 && replicas.every(({ phase }) => phase === 'ending');
    expect(await state('patient', areEnding)).toMatchObject({ specHash: 'one' });
    expect([isDone, (await liveJob('patient'))?.metadata.uid]).toEqual([false, first?.metadata.uid]);
    held.letGo();
    await applied;
    expect((await state('patient', areReady(2))).specHash).toBe('two');
  });

  it('gives every object an owner that names the flow', async () => {
    const flow = { namespace, jobId: 'revised' };
    const [config, ...others] = renderClusterWorkload(flow, deployment) as [KubernetesObject, ...KubernetesObject[]];
    const annotations = { 'kflow.io/revision': '7' };
    await cluster.apply(flow, [{ ...config, metadata: { ...config.metadata, annotations } }, ...others]);
    const owner = await admin.read(configMap('revised----flow'));
    expect(owner).toMatchObject({ data: { namespace, jobId: 'revised', revision: '7' } });
    const { uid } = owner?.metadata ?? {};
    expect((await admin.read(config))?.metadata).toMatchObject({ ownerReferences: [{ kind: 'ConfigMap', uid }] });
  });
});

describe('prune', () => {
  it('keeps a workload until its pods have finished', async () => {
    const flow = { namespace, jobId: 'finishing' };
    await apply('finishing', deployment);
    await state('finishing', areReady(1));
    const held = kubelet.hold('finishing', 'fn');
    await cluster.prune(flow, []);
    const ending = await state('finishing', ({ replicas }) => replicas.some(({ phase }) => phase === 'ending'));
    expect(ending).toMatchObject({ desired: 0, replicas: [{ phase: 'ending' }] });
    held.letGo();
    await waitFor('its end', async () => (await cluster.workloads(flow)).length === 0);
    await waitFor('no owner', async () => (await admin.read(configMap('finishing----flow'))) === undefined);
  });

  it('does not wait for pods with `now`, and does not touch those that stay', async () => {
    const flow = { namespace, jobId: 'hurried' };
    const stays: ClusterWorkload = { ...deployment, function: 'stays' };
    await apply('hurried', stays, { ...job, function: 'goes' });
    const before = await state('hurried', (each) => each.function === 'stays' && areReady(1)(each));
    await state('hurried', (each) => each.function === 'goes' && areReady(2)(each));
    kubelet.hold('hurried', 'goes');
    await cluster.prune(flow, renderClusterWorkload(flow, stays), { now: true });
    await waitFor('its end', async () => (await cluster.workloads(flow)).length === 1);
    expect(await cluster.workloads(flow)).toEqual([before]);
    kubelet.hold('hurried', 'stays');
    await cluster.prune(flow, [], { now: true });
    await waitFor('its end', async () => (await cluster.workloads(flow)).length === 0);
  });

  it('removes kinds that the flow no longer has, and nothing without its labels', async () => {
    const flow = { namespace, jobId: 'tidy' };
    await apply('tidy', deployment);
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'tidy--old', namespace, labels: labelsOf('tidy') },
    };
    await admin.apply(secret);
    await admin.apply(configMap('tidy--mine'));
    await cluster.prune(flow, renderClusterWorkload(flow, deployment));
    expect(await admin.read(secret)).toBeUndefined();
    expect(await admin.read(configMap('tidy--fn'))).toBeDefined();
    await cluster.prune(flow, []);
    expect(await admin.read(configMap('tidy--mine'))).toBeDefined();
  });
});

describe('a flow whose owner object is deleted', () => {
  it('stays until the controller has removed its data, and is reported', async () => {
    const flow: FlowKey = { namespace, jobId: 'dropped' };
    const told: string[] = [];
    await apply('dropped', deployment);
    await state('dropped', areReady(1));
    const watch = await cluster.watch(
      () => {},
      (key) => told.push(flowName(key)),
    );
    expect(told).toEqual([]);
    await admin.remove(configMap('dropped----flow'));
    await waitFor('it is told', async () => told.includes(flowName(flow)));
    await expect(apply('dropped', deployment)).rejects.toMatchObject({
      code: 'store-failed',
      message: expect.stringMatching(/dropped: its ConfigMap dropped----flow is being deleted with .*; try again/),
    });
    expect(await state('dropped', areReady(1))).toBeDefined();
    await cluster.prune(flow, []);
    expect(await admin.read(configMap('dropped----flow'))).toBeUndefined();
    await waitFor('its end', async () => (await cluster.workloads(flow)).length === 0);
    await watch.close();
    await apply('dropped', deployment);
    await state('dropped', areReady(1));
  });

  it('is removed at once without a finalizer', async () => {
    const file = await limitedAccess(namespace, folder);
    const heedless = await KubernetesCluster.open({ file, namespaces: [namespace] });
    const flow: FlowKey = { namespace, jobId: 'heedless' };
    await heedless.apply(flow, renderClusterWorkload(flow, deployment));
    await state('heedless', areReady(1));
    await admin.remove(configMap('heedless----flow'));
    await waitFor('its end', async () => (await heedless.workloads(flow)).length === 0);
    expect(await admin.read(configMap('heedless----flow'))).toBeUndefined();
    await heedless.close();
  });
});

describe('workloads', () => {
  it.each([
    ['ImagePullBackOff', { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "kflow:test"' } }],
    [
      'CreateContainerConfigError',
      { waiting: { reason: 'CreateContainerConfigError', message: 'secret "s" not found' } },
    ],
  ])('report that a container waits for %s', async (reason, told) => {
    const jobId = `waits-${reason.toLowerCase()}`;
    const status = { ...running([{ ...container(0, false), state: told }], 'False'), phase: 'Pending' };
    kubelet.conduct(jobId, 'fn', { status });
    await apply(jobId, deployment);
    const { replicas } = await state(jobId, (each) => each.replicas.some(({ phase }) => phase === 'waiting'));
    expect(replicas).toEqual([
      expect.objectContaining({ phase: 'waiting', reason, message: told.waiting.message, restarts: 0 }),
    ]);
  });

  it.each(['deployment', 'statefulset', 'job'] as const)(
    'report what events say of a %s until it goes on',
    async (kind) => {
      const jobId = `stuck-${kind}`;
      const waiting = { reason: 'ContainerCreating' };
      const status = { ...running([{ ...container(0, false), state: { waiting } }], 'False'), phase: 'Pending' };
      kubelet.conduct(jobId, 'fn', { status });
      await apply(jobId, { kind, function: 'fn', replicas: 1 });
      const { replicas } = await state(jobId, (each) => each.replicas.some(({ phase }) => phase === 'starting'));
      const { name = '' } = replicas[0] ?? {};
      const text = 'MountVolume.SetUp failed for volume "nats" :\n  secret "missing" not found';
      await happens(name, 1, { type: 'Warning', reason: 'FailedMount', message: text });
      const stuck = await state(jobId, (each) => each.replicas.some(({ phase }) => phase === 'waiting'));
      const message = 'MountVolume.SetUp failed for volume "nats" : secret "missing" not found';
      expect(stuck.replicas).toEqual([expect.objectContaining({ name, reason: 'FailedMount', message })]);
      await happens(name, 2, { type: 'Normal', reason: 'Pulling', message: 'Pulling image "kflow:test"' });
      const after = await state(jobId, (each) => each.replicas.some(({ phase }) => phase === 'starting'));
      expect(after.replicas).toEqual([expect.not.objectContaining({ reason: expect.anything() })]);
    },
  );

  it.each(['deployment', 'statefulset', 'job'] as const)('report why no pod of a %s can be created', async (kind) => {
    const full = await makeNamespace(`full-${kind}`);
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none', namespace: full } };
    await admin.apply({ ...quota, spec: { hard: { pods: '0' } } });
    await waitFor('the quota holds', async () => (await admin.read(quota))?.status !== undefined);
    const flow = { namespace: full, jobId: 'full' };
    const here = await KubernetesCluster.open({ file: await limitedAccess(full, folder), namespaces: [full] });
    await here.apply(flow, renderClusterWorkload(flow, { kind, function: 'fn', replicas: 1 }));
    const message = await waitFor('a reason', async () => (await here.workloads(flow))[0]?.message);
    expect(message).toMatch(/^FailedCreate: .*exceeded quota: none/);
    await here.close();
  });

  it('report how a replica of a Job failed that waits for its restart', async () => {
    kubelet.conduct('retried', 'fn', 'crash');
    await apply('retried', { ...job, replicas: 1 });
    const { replicas } = await state('retried', (each) => each.replicas.some(({ phase }) => phase === 'waiting'));
    expect(replicas).toEqual([
      expect.objectContaining({ phase: 'waiting', reason: 'Error', message: `${crashLine} (exit code 1)` }),
    ]);
  });
});

describe('logs', () => {
  it('can be read, and an unknown replica is an error that lists the existing ones', async () => {
    await apply('logged', deployment);
    const [replica] = (await state('logged', areReady(1))).replicas;
    const linesOf = async (name?: string) => {
      const lines: string[] = [];
      for await (const line of cluster.logs({ namespace, jobId: 'logged', function: 'fn', replica: name }))
        lines.push(line);
      return lines;
    };
    // No node has logs; the server asks the node only after it has checked the rights.
    await expect(linesOf(replica?.name)).rejects.toThrow('no preferred addresses found');
    await expect(linesOf('none')).rejects.toThrow(
      `flow ${namespace}/logged: function "fn" has no replica "none"; choose one of: ${replica?.name}`,
    );
  });

  it('resume after the last line when the connection is lost, and end with the pod', async () => {
    const proxy = await ApiProxy.open();
    const file = proxy.kubeconfig(await limitedAccess(namespace, folder));
    const remote = await KubernetesCluster.open({ file, namespaces: [namespace] });
    await apply('followed', { ...deployment, replicas: 2 });
    const [one, other] = (await state('followed', areReady(2))).replicas.map(({ name }) => name) as [string, string];
    const lines: string[] = [];
    const follow = async () => {
      const logs = remote.logs({ namespace, jobId: 'followed', function: 'fn' }, { follow: true, tailLines: 0 });
      for await (const line of logs) lines.push(line);
    };
    const followed = follow();
    const write = async (pod: string, line: string) => {
      proxy.write(pod, line);
      await waitFor(`the line ${line}`, async () => lines.includes(line));
    };
    await waitFor('both are followed', async () => proxy.followers === 2);
    await write(one, 'a');
    await write(other, 'b');
    proxy.cutLogs();
    await write(one, 'c');
    await write(other, 'd');
    await cluster.prune({ namespace, jobId: 'followed' }, []);
    await followed;
    expect(lines).toEqual(['a', 'b', 'c', 'd']);
    await remote.close();
    await proxy.close();
  });
});
