import { existsSync, readdirSync } from 'node:fs';

/**
 * What a node changes outside its own namespaces: the cgroups of its containers, and folders that programs of Kubernetes
 * use under fixed names. Inside, each of these folders is another one, in the folder of the run.
 */
export const fixedFolders = ['/var/lib/kubelet', '/var/lib/cni', '/var/log/containers', '/var/log/pods'];

const cgroups = '/sys/fs/cgroup';
/** containerd puts the containers of Kubernetes here, unless the kubelet names another cgroup. */
const cgroupName = 'k8s.io';

/** The cgroups of all containers: one with cgroup v2, one for each controller with cgroup v1. */
export function cgroupFolders(): string[] {
  const roots = existsSync(`${cgroups}/cgroup.controllers`)
    ? [cgroups]
    : readdirSync(cgroups).map((controller) => `${cgroups}/${controller}`);
  return roots.map((root) => `${root}/${cgroupName}`).filter((folder) => existsSync(folder));
}
