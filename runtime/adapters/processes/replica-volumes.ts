import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../../../lib/errors';
import type { ContainerTemplate, DesiredWorkload, PodTemplate } from './desired-workload';
import { entriesOf, keyOf, type StoredObjects } from './stored-objects';

export interface Replica {
  readonly workload: DesiredWorkload;
  readonly number: number;
  readonly name: string;
  /** The replica's own folder. */
  readonly folder: string;
}

/** Folders on this machine by mount path. */
export type Mounts = ReadonlyMap<string, string>;

/**
 * Writes the ConfigMaps and Secrets that a replica mounts as files below its folder. Throws ConfigError that names a missing
 * ConfigMap.
 */
export function writeVolumes(replica: Replica, objects: StoredObjects): Mounts {
  const [{ volumeMounts }] = replica.workload.template.spec.containers as [ContainerTemplate];
  const mounts = new Map<string, string>();
  for (const volume of mountedVolumes(replica.workload)) {
    const sources = sourcesOf(volume);
    if (sources.length === 0) continue;
    const place = writeVolume(replica, { volume, sources }, objects);
    if (place === undefined) continue;
    for (const { name, mountPath } of volumeMounts) if (name === volume.name) mounts.set(mountPath, place);
  }
  return mounts;
}

/** Writes the Secrets of a running replica again, as a cluster does when they have changed. */
export function refreshSecrets(replica: Replica, objects: StoredObjects): void {
  for (const volume of mountedVolumes(replica.workload)) {
    const sources = sourcesOf(volume);
    if (sources.some(({ kind }) => kind === 'Secret')) writeVolume(replica, { volume, sources }, objects);
  }
}

type Volume = PodTemplate['spec']['volumes'][number];
interface VolumeSource {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly name: string;
}

function mountedVolumes({ template }: DesiredWorkload): readonly Volume[] {
  const [{ volumeMounts }] = template.spec.containers as [ContainerTemplate];
  const mounted = new Set(volumeMounts.map(({ name }) => name));
  return template.spec.volumes.filter(({ name }) => mounted.has(name));
}

function sourcesOf({ configMap, secret, projected }: Volume): readonly VolumeSource[] {
  const own = { configMap, secret: secret === undefined ? undefined : { name: secret.secretName } };
  return [own, ...(projected?.sources ?? [])].flatMap((source): VolumeSource[] => [
    ...(source.configMap === undefined ? [] : [{ kind: 'ConfigMap' as const, name: source.configMap.name }]),
    ...(source.secret === undefined ? [] : [{ kind: 'Secret' as const, name: source.secret.name }]),
  ]);
}

/** Undefined for Secrets that exist only in a cluster: a volume of the document may name them. */
function writeVolume(
  { workload, folder }: Replica,
  { volume, sources }: { readonly volume: Volume; readonly sources: readonly VolumeSource[] },
  objects: StoredObjects,
): string | undefined {
  const place = path.join(folder, 'volumes', volume.name);
  const files: { [name: string]: string } = {};
  for (const { kind, name } of sources) {
    const found = objects.find(keyOf({ kind, metadata: { name, namespace: workload.flow.namespace } }));
    if (found === undefined && kind === 'Secret') return undefined;
    if (found === undefined) throw missing(workload, `ConfigMap ${name} not found`);
    Object.assign(files, entriesOf(found));
  }
  writeFiles(place, files);
  return place;
}

/** Replaces each file at once, because a running process may read it, and removes the others. */
function writeFiles(folder: string, files: { readonly [name: string]: string }): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files)) {
    // the keys of a ConfigMap have no slash; only `..` could leave the folder
    if (!/^[-._a-zA-Z0-9]+$/.test(name) || name === '..') {
      throw new ConfigError('config-invalid', `"${name}" is not a valid key of a ConfigMap or Secret`);
    }
    const file = path.join(folder, name);
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  for (const name of readdirSync(folder)) if (!(name in files)) rmSync(path.join(folder, name));
}

/** The path on this machine of a path in the container. */
export function toRealPath(value: string, mounts: Mounts): string {
  // a mount may be below another one
  for (const [mountPath, folder] of [...mounts].sort(([one], [other]) => other.length - one.length)) {
    if (value === mountPath) return folder;
    if (value.startsWith(`${mountPath}/`)) return path.join(folder, value.slice(mountPath.length + 1));
  }
  return value;
}

export function missing({ flow, function: functionId }: DesiredWorkload, message: string): ConfigError {
  return new ConfigError('config-invalid', message, { where: `${flow.namespace}/${flow.jobId} ${functionId}` });
}
