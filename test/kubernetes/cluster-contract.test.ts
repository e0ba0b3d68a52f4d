import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubernetesCluster } from '../../runtime/adapters/kubernetes/kubernetes-cluster';
import { type ClusterPlace, describeCluster } from '../contract/cluster-suite';
import { ApiProxy } from './api-proxy';
import { Kubelet } from './kubelet';
import { limitedAccess } from './limited-access';
import { makeNamespace } from './support';

const folder = mkdtempSync(join(tmpdir(), 'kflow-contract-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A cluster with only the permissions of a controller in its namespace. */
async function openPlace(namespace: string, proxy?: ApiProxy): Promise<ClusterPlace> {
  await makeNamespace(namespace);
  const access = await limitedAccess(namespace, folder);
  const file = proxy?.kubeconfig(access) ?? access;
  const cluster = await KubernetesCluster.open({ file, namespaces: [namespace] });
  const kubelet = await Kubelet.open(namespace);
  return {
    cluster,
    namespace,
    behave: async ({ jobId }, functionId, how) => kubelet.conduct(jobId, functionId, how),
    close: async () => {
      await Promise.all([cluster.close(), kubelet.close()]);
      await proxy?.close();
    },
  };
}

describeCluster('Kubernetes, read on demand', () => openPlace('asked'), { withoutLogs: true });

describeCluster('Kubernetes, read from a watch', async () => {
  const place = await openPlace('watched', await ApiProxy.open());
  await place.cluster.watch(() => {});
  return place;
});
