import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../../../lib/errors';
import type { ContainerTemplate, DesiredWorkload, PodTemplate, ValueSource } from './desired-workload';
import { keyOf, type StoredObject, type StoredObjects } from './stored-objects';

interface Replica {
  readonly workload: DesiredWorkload;
  readonly number: number;
  readonly name: string;
  /** The replica's own folder. */
  readonly folder: string;
}

type Variables = { readonly [name: string]: string };

/**
 * Writes the current ConfigMaps of a replica as files, and returns the environment variables of its manifest. Paths below
 * the mount of a ConfigMap are replaced by the path of its folder. Throws ConfigError that names a missing object or key.
 */
export function setUpReplica(replica: Replica, objects: StoredObjects): Variables {
  const { template } = replica.workload;
  const [container] = template.spec.containers as [ContainerTemplate];
  const mounts = writeConfigMaps(replica, container, objects);
  const env: { [name: string]: string } =
    replica.workload.kind === 'job' ? { JOB_COMPLETION_INDEX: String(replica.number) } : {};
  for (const { name, value, valueFrom } of container.env) {
    const found = valueFrom === undefined ? value : readSource(name, valueFrom, replica, objects);
    if (found !== undefined) env[name] = toRealPath(found, mounts);
  }
  return env;
}

/** Folders on this machine by mount path. */
type Mounts = ReadonlyMap<string, string>;

function writeConfigMaps({ workload, folder }: Replica, container: ContainerTemplate, objects: StoredObjects): Mounts {
  const mounts = new Map<string, string>();
  for (const { name, mountPath } of container.volumeMounts) {
    const configMap = volumeOf(workload.template, name)?.configMap;
    if (configMap === undefined) continue;
    const place = path.join(folder, 'volumes', name);
    const { namespace } = workload.flow;
    const found = objects.find(keyOf({ kind: 'ConfigMap', metadata: { name: configMap.name, namespace } }));
    if (found === undefined) throw missing(workload, `ConfigMap ${configMap.name} not found`);
    writeFiles(place, (found.data ?? {}) as Variables);
    mounts.set(mountPath, place);
  }
  return mounts;
}

function volumeOf({ spec }: PodTemplate, name: string): PodTemplate['spec']['volumes'][number] | undefined {
  return spec.volumes.find((volume) => volume.name === name);
}

/** Replaces the folder; when the process is killed meanwhile, the folder is either complete or missing. */
function writeFiles(folder: string, files: Variables): void {
  rmSync(folder, { recursive: true, force: true });
  rmSync(`${folder}.new`, { recursive: true, force: true });
  mkdirSync(`${folder}.new`, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    // the keys of a ConfigMap have no slash; only `..` could leave the folder
    if (!/^[-._a-zA-Z0-9]+$/.test(name) || name === '..') {
      throw new ConfigError('config-invalid', `"${name}" is not a valid key of a ConfigMap`);
    }
    writeFileSync(path.join(`${folder}.new`, name), text);
  }
  renameSync(`${folder}.new`, folder);
}

function readSource(name: string, source: ValueSource, replica: Replica, objects: StoredObjects): string | undefined {
  const { secretKeyRef, configMapKeyRef, fieldRef } = source;
  const { workload } = replica;
  const ref = secretKeyRef ?? configMapKeyRef;
  if (ref !== undefined) {
    const kind = secretKeyRef === undefined ? 'ConfigMap' : 'Secret';
    const found = objects.find(keyOf({ kind, metadata: { name: ref.name, namespace: workload.flow.namespace } }));
    const value = found && entryOf(found, ref.key);
    if (value !== undefined || ref.optional === true) return value;
    throw missing(workload, `${name}: ${kind} ${ref.name} or its key ${ref.key} not found`);
  }
  const field = fieldRef && fieldOf(fieldRef.fieldPath, replica);
  if (field !== undefined) return field;
  throw missing(workload, `${name}: a local process does not support ${JSON.stringify(source)}`);
}

function entryOf({ kind, data, stringData }: StoredObject, key: string): string | undefined {
  const plain = (stringData as Variables | undefined)?.[key];
  const value = plain ?? (data as Variables | undefined)?.[key];
  const isEncoded = kind === 'Secret' && plain === undefined && value !== undefined;
  return isEncoded ? Buffer.from(value, 'base64').toString('utf8') : value;
}

function fieldOf(fieldPath: string, { workload, number, name }: Replica): string | undefined {
  const label = /^metadata\.labels\['(.+)'\]$/.exec(fieldPath)?.[1];
  if (label === 'apps.kubernetes.io/pod-index') return String(number);
  if (label !== undefined) return workload.template.metadata.labels[label] ?? '';
  if (fieldPath === 'metadata.name') return name;
  if (fieldPath === 'metadata.namespace') return workload.flow.namespace;
  return fieldPath === 'status.podIP' || fieldPath === 'status.hostIP' ? '127.0.0.1' : undefined;
}

function toRealPath(value: string, mounts: Mounts): string {
  for (const [mountPath, folder] of mounts) {
    if (value === mountPath) return folder;
    if (value.startsWith(`${mountPath}/`)) return path.join(folder, value.slice(mountPath.length + 1));
  }
  return value;
}

function missing({ flow, function: functionId }: DesiredWorkload, message: string): ConfigError {
  return new ConfigError('config-invalid', message, { where: `${flow.namespace}/${flow.jobId} ${functionId}` });
}
