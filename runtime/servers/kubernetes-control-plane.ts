import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type KubernetesOptions,
  type KubernetesPlace,
  type KubernetesUser,
  prepareKubernetesPlace,
} from './kubernetes-place';
import {
  type KubernetesApiServer,
  startEtcd,
  startKubernetesApiServer,
  startKubernetesControllers,
} from './kubernetes-servers';
import type { RunningServer } from './run-server';

/** A cluster without nodes, which stores every object and runs no pod. */
export interface KubernetesControlPlane {
  /** `https://127.0.0.1:<port>` */
  readonly url: string;
  /** Path of a kubeconfig with cluster-admin rights. */
  readonly kubeconfig: string;
  /** Path of the kubeconfig of another user. */
  kubeconfigOf(user: KubernetesUser): string;
  stop(): Promise<void>;
}

/**
 * Starts etcd, kube-apiserver and optionally kube-controller-manager, with the authorization and admission of
 * a real cluster. A later start on the same directory has the same address, token and objects.
 */
export async function startKubernetesControlPlane(options: KubernetesOptions): Promise<KubernetesControlPlane> {
  const place = await prepareKubernetesPlace(options);
  // each server depends on the previous one
  const started: RunningServer[] = [];
  const stop = async (): Promise<void> => {
    for (const server of started.splice(0).reverse()) await server.stop();
  };
  try {
    const etcd = await startEtcd(place);
    started.push(etcd);
    const api = await startKubernetesApiServer(place, etcd.url);
    started.push(api);
    const kubeconfigOf = (user: KubernetesUser) => writeKubeconfig(place, api, user);
    const kubeconfig = kubeconfigOf('admin');
    if (options.controllers) started.push(await startKubernetesControllers(place, { api, kubeconfig }));
    return { url: api.url, kubeconfig, kubeconfigOf, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** JSON is valid YAML. */
function writeKubeconfig(place: KubernetesPlace, api: KubernetesApiServer, user: KubernetesUser): string {
  const ca = readFileSync(api.caFile).toString('base64');
  const cluster = { server: api.url, 'certificate-authority-data': ca };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'kflow', cluster }],
    users: [{ name: user, user: { token: place.tokens[user] } }],
    contexts: [{ name: 'kflow', context: { cluster: 'kflow', user } }],
    'current-context': 'kflow',
  };
  const file = join(place.directory, user === 'admin' ? 'kubeconfig' : `${user.replaceAll(':', '-')}.kubeconfig`);
  writeFileSync(file, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  return file;
}
