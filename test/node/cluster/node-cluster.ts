import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { startKubernetesControlPlane } from '../../../runtime/servers/kubernetes-control-plane';
import { nodeName } from '../../../runtime/servers/kubernetes-place';
import { startNackController } from '../../../runtime/servers/nack-controller';
import { startNatsServer } from '../../../runtime/servers/nats-server';
import { resolveServer } from '../../../runtime/servers/resolve-server';
import type { ServerOptions } from '../../../runtime/servers/run-server';
import { startS3Server } from '../../../runtime/servers/s3-server';
import { startTemporalServer } from '../../../runtime/servers/temporal-server';
import { waitFor } from '../../support/wait-for';
import { startClusterDns } from './cluster-dns';
import { startContainerd } from './containerd';
import { importImages } from './images';
import { servicesFor } from './known-services';
import { hostAddress as host } from './network';
import { type NodePlace, startKubelet, startProxy, startScheduler } from './node-servers';

/** A running cluster of one node, as its users find it in a JSON file. */
export interface NodeCluster {
  /** Folder of each server's data, with its pid in the file `pid`. */
  readonly folder: string;
  /** OCI archive of the runtime's image. */
  readonly image: string;
  readonly kubernetes: string;
  readonly kubeconfig: string;
  readonly natsUrl: string;
  readonly s3: { readonly endpoint: string; readonly user: string; readonly password: string };
}

export interface NodeClusterProps {
  /** Folder of everything. */
  readonly home: string;
  /** OCI archive of the runtime's image. */
  readonly image: string;
  /** File with NACK's CRDs. */
  readonly crds: string;
  readonly progress: (line: string) => void;
}

/**
 * Starts Kubernetes with one node in the namespaces of this process, and in front of it nats-server, an S3 server, Temporal
 * and NACK. Pods reach these as `nats.nats.svc:4222`, `minio.default.svc:9000` and `temporal-frontend.temporal.svc:7233`.
 * Nothing stops the servers but the end of this process.
 */
export async function startNodeCluster(given: NodeClusterProps): Promise<NodeCluster> {
  const { home, image, progress } = given;
  const optionsOf = (server: string): ServerOptions => ({
    dataDir: path.join(home, server),
    logFile: path.join(home, 'logs', `${server}.log`),
    progress,
    onEvent: ({ type, server: name }) => progress(`${name} ${type}`),
  });
  const runtime = startContainerd(home, path.join(home, 'logs', 'containerd.log'));
  const imported = runtime.then(() => importImages(image, path.join(home, 'import')));
  const [nats, s3, temporal, controlPlane, { path: command }] = await Promise.all([
    startNatsServer({ ...optionsOf('nats'), host }),
    startS3Server({ ...optionsOf('s3'), host }),
    startTemporalServer({ ...optionsOf('temporal'), host }),
    startKubernetesControlPlane({ directory: home, controllers: true, host }),
    resolveServer('kubernetes'),
    runtime,
  ]);
  progress('control plane, nats-server, S3 and Temporal are ready');
  const { kubeconfig } = controlPlane;
  const kubectl = kubectlOf(command, kubeconfig);
  const place: NodePlace = { command, controlPlane, optionsOf };
  await Promise.all([startScheduler(place), startProxy(place), startKubelet(place), startClusterDns(host, kubeconfig)]);
  const services = servicesFor([
    { namespace: 'nats', name: 'nats', port: 4222, address: nats.url },
    { namespace: 'default', name: 'minio', port: 9000, address: s3.endpoint },
    { namespace: 'temporal', name: 'temporal-frontend', port: 7233, address: temporal.address },
  ]);
  await kubectl(
    ['apply', '--server-side', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: services }),
  );
  await kubectl(['apply', '--server-side', '-f', given.crds]);
  await startNackController({ ...optionsOf('nack'), kubeconfig, natsUrl: nats.url });
  await imported;
  await waitFor('the node is ready', async () => (await kubectl(['get', 'node', nodeName])).includes(' Ready '));
  favorPods();
  const { endpoint, user, password } = s3;
  return { folder: home, image, kubernetes: command, kubeconfig, natsUrl: nats.url, s3: { endpoint, user, password } };
}

function kubectlOf(command: string, kubeconfig: string) {
  return (args: readonly string[], input = ''): Promise<string> =>
    new Promise((resolve, reject) => {
      const child = execFile(command, ['kubectl', '--kubeconfig', kubeconfig, ...args], (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`kubectl ${args.join(' ')}: ${stderr}`, { cause: error }));
      });
      child.stdin?.end(input);
    });
}

/** Without this, all pods together get the time of one process on a busy machine, and their probes fail. */
function favorPods(): void {
  const shares = '/sys/fs/cgroup/cpu/k8s.io/cpu.shares';
  const weight = '/sys/fs/cgroup/k8s.io/cpu.weight';
  if (existsSync(path.dirname(path.dirname(shares)))) {
    mkdirSync(path.dirname(shares), { recursive: true });
    writeFileSync(shares, '8192');
  } else if (existsSync(weight)) writeFileSync(weight, '800');
}

/** Logs of the servers and of the pods, below these folders of a cluster's folder. */
export const logFolders = ['logs', 'kubelet/pods'];
