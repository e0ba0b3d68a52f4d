import type { Cluster } from './ports/cluster';
import type { ControllerSettings } from './settings/settings';

/** The cluster that the settings name; the other adapter is not loaded. */
export async function openCluster(
  settings: ControllerSettings['cluster'],
  onTrouble: (error: Error) => void,
): Promise<Cluster> {
  if (settings.kind === 'processes') {
    const { ProcessCluster } = await import('../adapters/processes/process-cluster.js');
    return new ProcessCluster(settings.socket);
  }
  const { KubernetesCluster } = await import('../adapters/kubernetes/kubernetes-cluster.js');
  const { namespaces, kubeconfig, context } = settings;
  return KubernetesCluster.open({
    guardsData: true,
    onTrouble,
    ...(namespaces === undefined ? {} : { namespaces }),
    ...(kubeconfig === undefined ? {} : { file: kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
}
