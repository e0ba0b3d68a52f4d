import type { KubernetesPlace } from './kubernetes-place';
import { probeUrl } from './kubernetes-probe';
import { type RunningServer, runServer } from './run-server';

/** A port that nobody asks for: the only member has no peers. */
const PEER_URL = 'http://127.0.0.1:0';

/** Starts etcd, without authentication. It does not wait for the disk: only a crash of the machine loses anything. */
export async function startEtcd(place: KubernetesPlace): Promise<RunningServer & { readonly url: string }> {
  const urlOf = (port: number) => `http://127.0.0.1:${port}`;
  const args = (port: number) => [
    'etcd',
    ...['--data-dir', 'data', '--unsafe-no-fsync', '--log-level', 'warn'],
    ...['--listen-client-urls', urlOf(port), '--advertise-client-urls', urlOf(port)],
    ...['--listen-peer-urls', PEER_URL, '--initial-advertise-peer-urls', PEER_URL],
    ...['--initial-cluster', `default=${PEER_URL}`],
  ];
  const probe = (port: number) => probeUrl(`${urlOf(port)}/readyz`);
  const { command, env } = place;
  const server = await runServer({ name: 'etcd', command, env, args, probe }, place.optionsOf('etcd'));
  return { ...server, url: urlOf(server.port) };
}
