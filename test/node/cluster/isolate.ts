import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { serviceAddresses } from '../../../runtime/servers/kubernetes-servers';
import { fixedFolders } from './machine';
import { bridge, hostAddress, prefixLength } from './network';

/** Kernel settings without namespaces that the kubelet would change for the whole machine, with the values that it wants. */
const kernelSettings = {
  'vm/overcommit_memory': 1,
  'vm/panic_on_oom': 0,
  'kernel/panic': 10,
  'kernel/panic_on_oops': 1,
  'kernel/keys/root_maxkeys': 1_000_000,
  'kernel/keys/root_maxbytes': 25_000_000,
};

/**
 * Prepares the namespaces of this process for a node. Mounts: `/run` and the fixed folders of Kubernetes' programs are in
 * `home`, and the kubelet finds its kernel settings as it wants them, in files that stand before the real ones. Network:
 * loopback, and the bridge of the pods, which has no way out.
 */
export function isolate(home: string): void {
  run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'run', '/run');
  for (const folder of fixedFolders) bind(path.join(home, 'fixed', folder), folder);
  for (const [name, value] of Object.entries(kernelSettings)) {
    const file = `/proc/sys/${name}`;
    if (Number(readFileSync(file, 'utf8')) !== value) cover(path.join(home, 'settings', name), file, value);
  }
  run('ip', 'link', 'set', 'lo', 'up');
  run('ip', 'link', 'add', bridge, 'type', 'bridge');
  run('ip', 'address', 'add', `${hostAddress}/${prefixLength}`, 'dev', bridge);
  run('ip', 'link', 'set', bridge, 'up');
  // kube-proxy replaces these addresses, but only those of connections that have a route
  run('ip', 'route', 'add', serviceAddresses, 'dev', bridge);
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
}

function bind(source: string, target: string): void {
  mkdirSync(source, { recursive: true });
  run('mount', '--bind', source, target);
}

function cover(source: string, target: string, value: number): void {
  mkdirSync(path.dirname(source), { recursive: true });
  writeFileSync(source, `${value}\n`);
  run('mount', '--bind', source, target);
}

function run(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
