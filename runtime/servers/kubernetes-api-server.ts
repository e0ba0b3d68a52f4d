import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubernetesPlace } from './kubernetes-place';
import { probeUrl } from './kubernetes-probe';
import { type RunningServer, runServer } from './run-server';

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const SERVICE_ADDRESSES = '10.96.0.0/16';

export interface KubernetesApiServer extends RunningServer {
  readonly url: string;
  /** The certificates that vouch for it, as a file; it makes them itself the first time. */
  readonly caFile: string;
}

/** Starts kube-apiserver with RBAC and the admission plugins that are on in every cluster, Pod Security among them. */
export async function startKubernetesApiServer(place: KubernetesPlace, etcdUrl: string): Promise<KubernetesApiServer> {
  const { command, env, token } = place;
  const options = place.optionsOf('apiserver');
  const caFile = join(options.dataDir, 'certificates', 'apiserver.crt');
  const urlOf = (port: number) => `https://127.0.0.1:${port}`;
  const args = (port: number) => [
    'apiserver',
    ...['--bind-address', '127.0.0.1', '--advertise-address', '127.0.0.1', '--secure-port', String(port)],
    // Endpoints of the service `kubernetes` must not be loopback addresses.
    ...['--endpoint-reconciler-type', 'none', '--service-cluster-ip-range', SERVICE_ADDRESSES],
    ...['--cert-dir', 'certificates', '--etcd-servers', etcdUrl, '--token-auth-file', place.tokenFile],
    ...['--authorization-mode', 'Node,RBAC', '--enable-admission-plugins', 'NodeRestriction', '--allow-privileged'],
    ...['--service-account-issuer', ISSUER, '--service-account-key-file', place.signingKeyFile],
    ...['--service-account-signing-key-file', place.signingKeyFile],
  ];
  const probe = async (port: number) => probeUrl(`${urlOf(port)}/readyz`, { ca: readFileSync(caFile, 'utf8'), token });
  const server = await runServer({ name: 'kube-apiserver', command, env, args, probe }, options);
  return { ...server, url: urlOf(server.port), caFile };
}
