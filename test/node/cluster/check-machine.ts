import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { cgroupFolders } from './machine';

/** Programs that a node needs, each with the Debian package that has it. */
const programs: { readonly [program: string]: string } = {
  containerd: 'containerd',
  ctr: 'containerd',
  runc: 'runc',
  iptables: 'iptables',
  conntrack: 'conntrack',
  ip: 'iproute2',
  mount: 'mount',
  unshare: 'util-linux',
  tar: 'tar',
};

const pluginFolders = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'];
const plugins = ['bridge', 'host-local', 'loopback'];
const devices = ['/dev/kmsg', '/dev/null', '/dev/urandom'];
const controllers = ['cpu', 'cpuset', 'memory', 'pids'];

/** What kube-proxy and the pods' network do, in a network of its own. */
const networkTrial = [
  'ip link set lo up',
  'ip link add kflow-trial type bridge',
  'ip link add kflow-trial0 type veth peer name kflow-trial1',
  'iptables -t nat -A PREROUTING -m comment --comment trial -m conntrack --ctstate NEW -j MARK --set-mark 1',
  'iptables -t nat -A POSTROUTING -m mark --mark 1 -m statistic --mode random --probability 0.5 -j MASQUERADE',
  'iptables -t nat -A OUTPUT -p tcp -m tcp --dport 9 -j DNAT --to-destination 127.0.0.1:9',
];

/** How containerd stacks the layers of an image, which a folder that is such a stack itself does not allow. */
const overlayTrial = `
  set -e
  d=$(mktemp -d)
  trap 'umount "$d/all" 2>/dev/null || true; rm -r "$d"' EXIT
  mkdir "$d/lower" "$d/upper" "$d/work" "$d/all"
  mount -t overlay overlay -o "lowerdir=$d/lower,upperdir=$d/upper,workdir=$d/work" "$d/all"`;

/** The folder of the network plug-ins; undefined if they are not installed. */
export function pluginFolder(): string | undefined {
  return pluginFolders.find((folder) => plugins.every((plugin) => existsSync(`${folder}/${plugin}`)));
}

/** Everything that this machine lacks to run a node, each as a sentence with the remedy. */
export function missingForNode(): string[] {
  if (process.platform !== 'linux') return [`${process.platform} runs no containers; use a Linux machine`];
  const missing = [...missingPackages(), ...missingDevices(), ...missingControllers()];
  if (process.getuid?.() !== 0) return ['not root; run as root, for example with sudo', ...missing];
  const isReadyForTrial = !missing.some((line) => /iptables|iproute2|util-linux/.test(line));
  return [...missing, ...(isReadyForTrial ? [...networkFaults(), ...overlayFaults()] : []), ...otherNode()];
}

function missingPackages(): string[] {
  const absent = Object.entries(programs).filter(([program]) => !isOnPath(program));
  const packages = new Set(absent.map(([, name]) => name));
  if (pluginFolder() === undefined) packages.add('containernetworking-plugins');
  if (packages.size === 0) return [];
  const names = absent.map(([program]) => program);
  if (pluginFolder() === undefined) names.push(`network plug-ins (${plugins.join(', ')})`);
  return [`not installed: ${names.join(', ')}; apt-get install ${[...packages].join(' ')}`];
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(':').some((folder) => folder !== '' && existsSync(`${folder}/${program}`));
}

function missingDevices(): string[] {
  const absent = devices.filter((device) => !existsSync(device));
  return absent.length === 0 ? [] : [`no ${absent.join(', ')}; in a container, run it privileged with the host's /dev`];
}

function missingControllers(): string[] {
  const unified = '/sys/fs/cgroup/cgroup.controllers';
  const present = existsSync(unified)
    ? readFileSync(unified, 'utf8').trim().split(' ')
    : existsSync('/sys/fs/cgroup')
      ? readdirSync('/sys/fs/cgroup')
      : [];
  const absent = controllers.filter((controller) => !present.includes(controller));
  return absent.length === 0 ? [] : [`no cgroup controllers ${absent.join(', ')}; mount them below /sys/fs/cgroup`];
}

/** Modules that the kernel lacks show as steps that fail. */
function networkFaults(): string[] {
  const faults: string[] = [];
  for (const step of networkTrial) {
    const script = [...networkTrial.slice(0, networkTrial.indexOf(step)).map((each) => `${each} || true`), step];
    const fault = faultOf(script.join('\n'));
    if (fault !== undefined)
      faults.push(`"${step}" fails in a network of its own: ${fault}; load the kernel's modules, or run privileged`);
  }
  return faults;
}

function overlayFaults(): string[] {
  const fault = faultOf(overlayTrial);
  return fault === undefined ? [] : [`no overlay mounts below ${tmpdir()}: ${fault}; set TMPDIR to a folder on a disk`];
}

/** Runs a script in namespaces of its own; undefined if it succeeds. */
function faultOf(script: string): string | undefined {
  try {
    execFileSync('unshare', ['--net', '--mount', 'sh', '-c', script], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error).trim();
  }
}

/** Containers of another containerd with Kubernetes' name would be taken for ours. */
function otherNode(): string[] {
  const busy = cgroupFolders().filter((folder) => hasProcesses(folder));
  return busy.length === 0 ? [] : [`another node runs on this machine (${busy[0]} has processes); stop it`];
}

function hasProcesses(folder: string): boolean {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file === 'cgroup.procs' || file.endsWith('/cgroup.procs'))
      .some((file) => readFileSync(`${folder}/${file}`, 'utf8').trim() !== '');
  } catch (error) {
    // a container has ended meanwhile
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
}
