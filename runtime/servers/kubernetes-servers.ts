import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loopback } from './choose-port';
import type { KubernetesPlace } from './kubernetes-place';
import { probeUrl } from './probe-url';
import { type RunningServer, runServer } from './run-server';

const issuer = 'https://kubernetes.default.svc.cluster.local';
/** The addresses of Services. */
export const serviceAddresses = '10.96.0.0/16';
/** A port that no client connects to: the only member of the etcd cluster has no peers. */
const peerUrl = 'http://127.0.0.1:0';
/** A pod can be created only when its namespace has this account. */
const firstAccount = '/api/v1/namespaces/default/serviceaccounts/default';

export interface KubernetesApiServer extends RunningServer {
  readonly url: string;
  /** File with the CA certificate of the server, which the server creates on its first start. */
  readonly caFile: string;
}

/** Starts etcd without authentication and without fsync: only a crash of the machine loses data. */
export async function startEtcd(place: KubernetesPlace): Promise<RunningServer & { readonly url: string }> {
  const urlOf = (port: number) => `http://127.0.0.1:${port}`;
  const args = (port: number) => [
    'etcd',
    ...['--data-dir', 'data', '--unsafe-no-fsync', '--log-level', 'warn'],
    ...['--listen-client-urls', urlOf(port), '--advertise-client-urls', urlOf(port)],
    ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
    ...['--initial-cluster', `default=${peerUrl}`],
  ];
  const probe = (port: number) => probeUrl(`${urlOf(port)}/readyz`);
  const { command, env } = place;
  const server = await runServer({ name: 'etcd', command, env, args, probe }, place.optionsOf('etcd'));
  return { ...server, url: urlOf(server.port) };
}

/** Starts kube-apiserver with RBAC and the default admission plugins, including Pod Security. */
export async function startKubernetesApiServer(place: KubernetesPlace, etcdUrl: string): Promise<KubernetesApiServer> {
  const { command, env, host, tokens } = place;
  const options = { ...place.optionsOf('apiserver'), host };
  const caFile = join(options.dataDir, 'certificates', 'apiserver.crt');
  const urlOf = (port: number) => `https://${host}:${port}`;
  const args = (port: number) => [
    'apiserver',
    ...['--bind-address', host, '--advertise-address', host, '--secure-port', String(port)],
    // the endpoints of the service `kubernetes` must not be loopback addresses
    ...(host === loopback ? ['--endpoint-reconciler-type', 'none'] : []),
    ...['--service-cluster-ip-range', serviceAddresses, '--kubelet-preferred-address-types', 'InternalIP'],
    ...['--cert-dir', 'certificates', '--etcd-servers', etcdUrl, '--token-auth-file', place.tokenFile],
    ...['--authorization-mode', 'Node,RBAC', '--enable-admission-plugins', 'NodeRestriction', '--allow-privileged'],
    ...['--service-account-issuer', issuer, '--service-account-key-file', place.signingKeyFile],
    ...['--service-account-signing-key-file', place.signingKeyFile],
  ];
  const probe = async (port: number) =>
    probeUrl(`${urlOf(port)}/readyz`, { ca: readFileSync(caFile, 'utf8'), token: tokens.admin });
  const server = await runServer({ name: 'kube-apiserver', command, env, args, probe }, options);
  return { ...server, url: urlOf(server.port), caFile };
}

/** Starts kube-controller-manager; the server is ready once pods can be created. */
export async function startKubernetesControllers(
  place: KubernetesPlace,
  access: { readonly api: KubernetesApiServer; readonly kubeconfig: string },
): Promise<RunningServer> {
  const { command, env, tokens, signingKeyFile } = place;
  const { api, kubeconfig } = access;
  const options = place.optionsOf('controller-manager');
  const ownCertificate = join(options.dataDir, 'certificates', 'kube-controller-manager.crt');
  const args = (port: number) => [
    'controller-manager',
    ...['--bind-address', '127.0.0.1', '--secure-port', String(port), '--cert-dir', 'certificates'],
    ...['--kubeconfig', kubeconfig, '--leader-elect=false', '--use-service-account-credentials'],
    ...['--service-account-private-key-file', signingKeyFile, '--root-ca-file', api.caFile],
    // with the default limits, the start takes five seconds
    ...['--kube-api-qps', '1000', '--kube-api-burst', '2000'],
  ];
  const probe = async (port: number) => {
    await probeUrl(`https://127.0.0.1:${port}/healthz`, { ca: readFileSync(ownCertificate, 'utf8') });
    await probeUrl(`${api.url}${firstAccount}`, { ca: readFileSync(api.caFile, 'utf8'), token: tokens.admin });
  };
  return runServer({ name: 'kube-controller-manager', command, env, args, probe }, options);
}
