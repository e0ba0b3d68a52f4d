import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubernetesObjects } from '../../runtime/adapters/kubernetes/kubernetes-objects';
import { isAlive } from '../../runtime/adapters/processes/earlier-processes';
import {
  type KubernetesControlPlane,
  startKubernetesControlPlane,
} from '../../runtime/servers/kubernetes-control-plane';
import { waitFor } from '../support/wait-for';
import { connectCluster, makeRestrictedNamespace } from './support';

/** A pod that Pod Security `restricted` accepts. */
const podSpec = {
  securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [
    {
      name: 'main',
      image: 'registry.invalid/app:1',
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    },
  ],
};

describe('controllers', () => {
  const namespace = 'controlled';
  const pods = { apiVersion: 'v1', kind: 'Pod' };
  let cluster: KubernetesObjects;

  beforeAll(async () => {
    cluster = await connectCluster();
    await makeRestrictedNamespace(namespace);
  });

  /** Waits until this many pods exist, and returns their names. */
  const podsOf = (selector: string, count: number) =>
    waitFor(`${count} pods of ${selector}`, async () => {
      const found = await cluster.list(pods, namespace, selector);
      return found.length === count && found.map(({ metadata }) => metadata.name);
    });

  it('create the ReplicaSet and the pods of a Deployment, and follow its scale', async () => {
    const labels = { app: 'web' };
    const template = { metadata: { labels }, spec: podSpec };
    const deployment = (replicas: number) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace },
      spec: { replicas, selector: { matchLabels: labels }, template },
    });
    expect((await cluster.apply(deployment(2))).warnings).toEqual([]);
    const names = await podsOf('app=web', 2);
    const sets = await cluster.list({ apiVersion: 'apps/v1', kind: 'ReplicaSet' }, namespace, 'app=web');
    expect(names.map((name) => name.startsWith(`${sets[0]?.metadata.name}-`))).toEqual([true, true]);
    await cluster.apply(deployment(1));
    await podsOf('app=web', 1);
  });

  it('create the pods of an Indexed Job, and remove them with it', async () => {
    const job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'sum', namespace },
      spec: {
        completionMode: 'Indexed',
        completions: 2,
        parallelism: 2,
        template: { spec: { ...podSpec, restartPolicy: 'Never' } },
      },
    };
    await cluster.apply(job);
    const names = await podsOf('job-name=sum', 2);
    expect(names.map((name) => name.slice(0, 6)).sort()).toEqual(['sum-0-', 'sum-1-']);
    expect(await cluster.remove(job)).toBe(true);
    await podsOf('job-name=sum', 0);
  });
});

describe('a restarted control plane', () => {
  let directory: string;
  let running: KubernetesControlPlane | undefined;
  const start = async () => {
    running = await startKubernetesControlPlane({ directory });
    return running;
  };

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'kflow-control-plane-'));
  });
  afterAll(async () => {
    await running?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('stops its servers, and keeps its address and objects', async () => {
    const first = await start();
    expect(first.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const cluster = await KubernetesObjects.open({ file: first.kubeconfig });
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kept' }, data: { a: '1' } };
    const { object } = await cluster.apply(map);
    const pids = ['etcd', 'apiserver'].map((name) => Number(readFileSync(join(directory, name, 'pid'), 'utf8')));
    expect(pids.map(isAlive)).toEqual([true, true]);
    await first.stop();
    expect(pids.map(isAlive)).toEqual([false, false]);
    await expect(cluster.read(map)).rejects.toMatchObject({ code: 'server-failed' });
    expect((await start()).url).toBe(first.url);
    expect(await cluster.read(map)).toEqual(object);
  });
});
