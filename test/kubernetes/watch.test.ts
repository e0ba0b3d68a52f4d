import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KFlowError } from '../../lib/errors';
import { KindWatch, type WatchLimits, type WatchSink } from '../../runtime/adapters/kubernetes/kind-watch';
import { KubernetesCluster } from '../../runtime/adapters/kubernetes/kubernetes-cluster';
import { KubernetesObjects, type ObjectMetadata } from '../../runtime/adapters/kubernetes/kubernetes-objects';
import type { KubernetesObject } from '../../runtime/controller/ports/kubernetes-object';
import {
  type KubernetesControlPlane,
  startKubernetesControlPlane,
} from '../../runtime/servers/kubernetes-control-plane';
import { renderClusterWorkload } from '../contract/cluster-workload';
import { waitFor } from '../support/wait-for';
import { ApiProxy } from './api-proxy';
import { connectCluster, makeNamespace, sharedKubeconfig } from './support';

const kind = { apiVersion: 'v1', kind: 'ConfigMap' };
const folder = mkdtempSync(join(tmpdir(), 'kflow-watch-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function configMap(namespace: string, name: string, note = ''): KubernetesObject {
  return { ...kind, metadata: { name, namespace, labels: { watched: 'yes' }, annotations: { note } } };
}

/** Records the notifications. */
class Notes implements WatchSink<ObjectMetadata> {
  readonly lines: string[] = [];
  readonly troubles: KFlowError[] = [];

  put({ metadata }: ObjectMetadata): void {
    this.lines.push(`put ${metadata.name}${metadata.annotations?.note}`);
  }

  remove({ metadata }: ObjectMetadata): void {
    this.lines.push(`remove ${metadata.name}`);
  }

  replace(objects: readonly ObjectMetadata[]): void {
    this.lines.push(`replace ${objects.map(({ metadata }) => metadata.name)}`);
  }

  has(line: string): Promise<boolean> {
    return waitFor(line, async () => this.lines.includes(line));
  }
}

const end = new AbortController();
afterAll(() => end.abort());

async function watch(file: string, namespace: string, limits: WatchLimits): Promise<Notes> {
  const objects = await KubernetesObjects.open({ file });
  const notes = new Notes();
  const scope = { namespace, query: { labelSelector: 'watched=yes' } };
  const onTrouble = (error: KFlowError) => notes.troubles.push(error);
  await new KindWatch(objects, { kind, scope, sink: notes, onTrouble, limits }).start(end.signal);
  return notes;
}

describe('a watch of a kind', () => {
  let admin: KubernetesObjects;
  let proxy: ApiProxy;

  beforeAll(async () => {
    admin = await connectCluster();
    proxy = await ApiProxy.open();
  });
  afterAll(() => proxy.close());

  it('resumes where the server ended it, without another list', async () => {
    const namespace = await makeNamespace('watched-ends');
    await admin.apply(configMap(namespace, 'a'));
    const before = proxy.watches;
    const notes = await watch(proxy.kubeconfig(sharedKubeconfig()), namespace, { watchSeconds: 1, lateMs: 5_000 });
    for (let round = 1; round <= 3; round++) {
      await waitFor('another watch', async () => proxy.watches >= before + round);
      await admin.apply(configMap(namespace, 'a', String(round)));
      await notes.has(`put a${round}`);
    }
    await admin.remove(configMap(namespace, 'a'));
    await notes.has('remove a');
    expect(notes.lines).toEqual(['replace a', 'put a1', 'put a2', 'put a3', 'remove a']);
    expect(notes.troubles).toEqual([]);
  });

  it('resumes after a dead connection', async () => {
    const namespace = await makeNamespace('watched-silent');
    const notes = await watch(proxy.kubeconfig(sharedKubeconfig()), namespace, { watchSeconds: 2, lateMs: 5_000 });
    await admin.apply(configMap(namespace, 'a', '1'));
    await notes.has('put a1');
    proxy.freeze();
    await admin.apply(configMap(namespace, 'a', '2'));
    await notes.has('put a2');
    expect(notes.lines).toEqual(['replace ', 'put a1', 'put a2']);
    expect(notes.troubles.map(({ message }) => message)).toEqual([expect.stringContaining('no response within 7 s')]);
  });
});

describe('a watch of a server that has died', () => {
  let controlPlane: KubernetesControlPlane;
  let admin: KubernetesObjects;
  const troubles: string[] = [];

  beforeAll(async () => {
    controlPlane = await startKubernetesControlPlane({ directory: folder });
    admin = await KubernetesObjects.open({ file: controlPlane.kubeconfig });
  });
  afterAll(() => controlPlane?.stop());

  /** Kills the API server; its supervisor restarts it. */
  async function killServer(): Promise<void> {
    const pid = () => Number(readFileSync(join(folder, 'apiserver', 'pid'), 'utf8'));
    const before = pid();
    process.kill(before, 'SIGKILL');
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } };
    const isBack = () => admin.read(namespace).catch(() => undefined);
    await waitFor('it is back', async () => pid() !== before && (await isBack()) !== undefined);
  }

  it('continues after the API server is killed', async () => {
    const flow = { namespace: 'default', jobId: 'survivor' };
    const objects = (replicas: number) => renderClusterWorkload(flow, { kind: 'deployment', function: 'fn', replicas });
    const onTrouble = ({ message }: KFlowError) => troubles.push(message);
    const cluster = await KubernetesCluster.open({ file: controlPlane.kubeconfig, onTrouble });
    await cluster.apply(flow, objects(1));
    let told = 0;
    const watch = await cluster.watch(() => told++);
    expect(told).toBe(1);
    await killServer();
    const other = await KubernetesCluster.open({ file: controlPlane.kubeconfig });
    const before = told;
    await other.apply(flow, objects(5));
    await waitFor('it is told', async () => told > before);
    await waitFor('it is seen', async () => (await cluster.workloads(flow))[0]?.desired === 5);
    expect(troubles).toContainEqual(expect.stringMatching(/is unreachable/));
    await watch.close();
    await Promise.all([cluster.close(), other.close()]);
  });

  it('starts with a list when the server no longer has the missed changes', async () => {
    await killServer();
    const proxy = await ApiProxy.open(controlPlane.kubeconfig);
    await admin.apply(configMap('default', 'a'));
    const notes = await watch(proxy.kubeconfig(controlPlane.kubeconfig), 'default', { watchSeconds: 1, lateMs: 5_000 });
    proxy.forget();
    await waitFor('another list', async () => notes.lines.length === 2);
    await admin.apply(configMap('default', 'a', '1'));
    await notes.has('put a1');
    expect(notes.lines).toEqual(['replace a', 'replace a', 'put a1']);
    expect(notes.troubles[0]?.message).toMatch(
      /^watch ConfigMap: too old resource version: .* \(410\); listing again$/,
    );
    await proxy.close();
  });
});
