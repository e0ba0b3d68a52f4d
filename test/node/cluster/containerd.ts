import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { type RunningServer, runServer } from '../../../runtime/servers/run-server';
import { pluginFolder } from './check-machine';
import { bridge, hostAddress, podAddresses } from './network';

/** Name of the image of the process that holds the namespaces of a pod. */
export const sandboxImage = 'localhost/sandbox:1';
export const containerdSocket = '/run/kflow-node/containerd.sock';

/** Holds a folder for each registry that is reached in another way than by its name, with a file `hosts.toml`. */
export function hostsFolder(home: string): string {
  return path.join(home, 'containerd', 'registries');
}

/** Starts containerd with runc and the network of the pods. */
export async function startContainerd(home: string, logFile: string): Promise<RunningServer> {
  const dataDir = path.join(home, 'containerd');
  const networks = path.join(dataDir, 'networks');
  mkdirSync(networks, { recursive: true });
  writeFileSync(path.join(networks, '10-kflow.conflist'), JSON.stringify(network(dataDir)));
  const config = path.join(dataDir, 'config.toml');
  writeFileSync(config, configuration(home, dataDir, networks));
  const probe = async () => {
    await ctr('version');
  };
  return runServer(
    { name: 'containerd', command: 'containerd', args: () => ['--config', config], probe },
    { dataDir, logFile },
  );
}

/** Runs containerd's client in the namespace of Kubernetes and returns what it prints. */
export async function ctr(...args: readonly string[]): Promise<string> {
  const all = ['--address', containerdSocket, '--namespace', 'k8s.io', ...args];
  const { stdout } = await promisify(execFile)('ctr', all, { maxBuffer: 2 ** 26 });
  return stdout;
}

function network(dataDir: string): object {
  const ipam = {
    type: 'host-local',
    dataDir: path.join(dataDir, 'addresses'),
    ranges: [[{ subnet: podAddresses, gateway: hostAddress }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  const plugins = [{ type: 'bridge', bridge, isGateway: true, hairpinMode: true, ipam }];
  return { cniVersion: '1.0.0', name: 'kflow', plugins };
}

function configuration(home: string, dataDir: string, networks: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return [
    'version = 2',
    `root = "${dataDir}/root"`,
    'state = "/run/kflow-node/containerd"',
    '[grpc]',
    `  address = "${containerdSocket}"`,
    `[${cri}]`,
    `  sandbox_image = "${sandboxImage}"`,
    // a container of a machine in a container may not lower its score
    '  restrict_oom_score_adj = true',
    '  disable_apparmor = true',
    `[${cri}.containerd.runtimes.runc]`,
    '  runtime_type = "io.containerd.runc.v2"',
    `[${cri}.registry]`,
    `  config_path = "${hostsFolder(home)}"`,
    `[${cri}.cni]`,
    `  bin_dir = "${pluginFolder()}"`,
    `  conf_dir = "${networks}"`,
    '',
  ].join('\n');
}
