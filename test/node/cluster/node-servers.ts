import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { KubernetesControlPlane } from '../../../runtime/servers/kubernetes-control-plane';
import { nodeName } from '../../../runtime/servers/kubernetes-place';
import { probeUrl } from '../../../runtime/servers/probe-url';
import { type RunningServer, runServer, type ServerOptions } from '../../../runtime/servers/run-server';
import { containerdSocket } from './containerd';
import { clusterDomain, hostAddress, podAddresses } from './network';

/** What the servers of a node share. */
export interface NodePlace {
  /** The program of Kubernetes. */
  readonly command: string;
  readonly controlPlane: KubernetesControlPlane;
  optionsOf(server: string): ServerOptions;
}

/** Starts the scheduler. */
export function startScheduler({ command, controlPlane, optionsOf }: NodePlace): Promise<RunningServer> {
  const options = optionsOf('scheduler');
  const certificate = path.join(options.dataDir, 'certificates', 'kube-scheduler.crt');
  const kubeconfig = controlPlane.kubeconfigOf('system:kube-scheduler');
  const args = (port: number) => [
    'scheduler',
    ...['--bind-address', '127.0.0.1', '--secure-port', String(port), '--cert-dir', 'certificates'],
    ...['--kubeconfig', kubeconfig, '--leader-elect=false'],
    ...['--authentication-kubeconfig', controlPlane.kubeconfig, '--authorization-kubeconfig', controlPlane.kubeconfig],
  ];
  const probe = (port: number) =>
    probeUrl(`https://127.0.0.1:${port}/healthz`, { ca: readFileSync(certificate, 'utf8') });
  return runServer({ name: 'kube-scheduler', command, args, probe }, options);
}

/** Starts kube-proxy, which makes the addresses of Services reachable from the node and its pods. */
export function startProxy({ command, controlPlane, optionsOf }: NodePlace): Promise<RunningServer> {
  const args = (port: number) => [
    'proxy',
    ...['--kubeconfig', controlPlane.kubeconfigOf('system:kube-proxy'), '--hostname-override', nodeName],
    ...['--proxy-mode', 'iptables', '--cluster-cidr', podAddresses, '--bind-address', hostAddress],
    // answers of a pod on the same bridge would bypass the rules otherwise
    '--masquerade-all',
    ...['--healthz-bind-address', `127.0.0.1:${port}`, '--metrics-bind-address', ''],
    // these settings are the machine's
    ...['--conntrack-max-per-core', '0', '--conntrack-tcp-timeout-established', '0'],
    ...['--conntrack-tcp-timeout-close-wait', '0'],
  ];
  const probe = (port: number) => probeUrl(`http://127.0.0.1:${port}/healthz`);
  return runServer({ name: 'kube-proxy', command, args, probe }, optionsOf('proxy'));
}

/** Starts the kubelet, which registers the node. */
export function startKubelet({ command, controlPlane, optionsOf }: NodePlace): Promise<RunningServer> {
  const options = optionsOf('kubelet');
  const root = path.join(options.dataDir, 'root');
  const file = path.join(options.dataDir, 'kubelet.json');
  const args = (port: number) => {
    writeFileSync(file, JSON.stringify(kubeletConfiguration(options.dataDir, port)));
    return [
      'kubelet',
      ...['--config', file, '--kubeconfig', controlPlane.kubeconfigOf(`system:node:${nodeName}`)],
      ...['--root-dir', root, '--cert-dir', path.join(root, 'pki'), '--hostname-override', nodeName],
      ...['--node-ip', hostAddress],
    ];
  };
  const probe = (port: number) => probeUrl(`http://127.0.0.1:${port}/healthz`);
  return runServer({ name: 'kubelet', command, args, probe }, options);
}

function kubeletConfiguration(dataDir: string, port: number): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: hostAddress,
    readOnlyPort: 0,
    healthzBindAddress: '127.0.0.1',
    healthzPort: port,
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    // without systemd, and without cgroups of its own for classes of pods
    cgroupDriver: 'cgroupfs',
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    // a container that is out of memory loses one process, as with cgroup v1
    singleProcessOOMKill: true,
    makeIPTablesUtilChains: false,
    clusterDNS: [hostAddress],
    clusterDomain,
    resolvConf: '',
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    podLogsDir: path.join(dataDir, 'pods'),
    maxPods: 200,
    // nothing can be pulled again
    imageGCHighThresholdPercent: 100,
    imageMinimumGCAge: '24h',
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1Gi', 'imagefs.available': '1Gi' },
  };
}
