import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubernetesApiServer } from './kubernetes-api-server';
import type { KubernetesPlace } from './kubernetes-place';
import { probeUrl } from './kubernetes-probe';
import { type RunningServer, runServer } from './run-server';

/** What a pod needs in its namespace before it can be made. */
const FIRST_ACCOUNT = '/api/v1/namespaces/default/serviceaccounts/default';

/** Starts kube-controller-manager; ready when its first work is done, so that pods can be made. */
export async function startKubernetesControllers(
  place: KubernetesPlace,
  access: { readonly api: KubernetesApiServer; readonly kubeconfig: string },
): Promise<RunningServer> {
  const { command, env, token, signingKeyFile } = place;
  const { api, kubeconfig } = access;
  const options = place.optionsOf('controller-manager');
  const ownCertificate = join(options.dataDir, 'certificates', 'kube-controller-manager.crt');
  const args = (port: number) => [
    'controller-manager',
    ...['--bind-address', '127.0.0.1', '--secure-port', String(port), '--cert-dir', 'certificates'],
    ...['--kubeconfig', kubeconfig, '--leader-elect=false', '--use-service-account-credentials'],
    ...['--service-account-private-key-file', signingKeyFile, '--root-ca-file', api.caFile],
    // Its default limits spread the start over five seconds.
    ...['--kube-api-qps', '1000', '--kube-api-burst', '2000'],
  ];
  const probe = async (port: number) => {
    await probeUrl(`https://127.0.0.1:${port}/healthz`, { ca: readFileSync(ownCertificate, 'utf8') });
    await probeUrl(`${api.url}${FIRST_ACCOUNT}`, { ca: readFileSync(api.caFile, 'utf8'), token });
  };
  return runServer({ name: 'kube-controller-manager', command, env, args, probe }, options);
}
