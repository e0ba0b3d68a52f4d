import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../../../lib/errors';
import type { AskedWorkload, ContainerTemplate, PodTemplate, ValueSource } from './asked-workload';
import { type KeptObject, type KeptObjects, keyOf } from './kept-objects';

interface Replica {
  readonly workload: AskedWorkload;
  readonly number: number;
  readonly name: string;
  /** A folder of its own. */
  readonly folder: string;
}

type Variables = { readonly [name: string]: string };

/**
 * Writes the files of a replica's ConfigMaps as they are now, and gives the variables that its manifest asks for. Paths
 * in them that are in a ConfigMap's mount become the real ones. Throws ConfigError that names what is not there.
 */
export function setUpReplica(replica: Replica, objects: KeptObjects): Variables {
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

/** Folders on this machine by where they are mounted. */
type Mounts = ReadonlyMap<string, string>;

function writeConfigMaps({ workload, folder }: Replica, container: ContainerTemplate, objects: KeptObjects): Mounts {
  const mounts = new Map<string, string>();
  for (const { name, mountPath } of container.volumeMounts) {
    const configMap = volumeOf(workload.template, name)?.configMap;
    if (configMap === undefined) continue;
    const place = path.join(folder, 'volumes', name);
    const { namespace } = workload.flow;
    const found = objects.find(keyOf({ kind: 'ConfigMap', metadata: { name: configMap.name, namespace } }));
    if (found === undefined) throw missing(workload, `the ConfigMap ${configMap.name} is not there`);
    writeFiles(place, (found.data ?? {}) as Variables);
    mounts.set(mountPath, place);
  }
  return mounts;
}

function volumeOf({ spec }: PodTemplate, name: string): PodTemplate['spec']['volumes'][number] | undefined {
  return spec.volumes.find((volume) => volume.name === name);
}

/** The folder is there whole or, when this is cut off, not at all. */
function writeFiles(folder: string, files: Variables): void {
  rmSync(folder, { recursive: true, force: true });
  rmSync(`${folder}.new`, { recursive: true, force: true });
  mkdirSync(`${folder}.new`, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    // a ConfigMap's keys have no slash; `..` alone could leave the folder
    if (!/^[-._a-zA-Z0-9]+$/.test(name) || name === '..') {
      throw new ConfigError('config-invalid', `${name} is no name for a file of a ConfigMap`);
    }
    writeFileSync(path.join(`${folder}.new`, name), text);
  }
  renameSync(`${folder}.new`, folder);
}

function readSource(name: string, source: ValueSource, replica: Replica, objects: KeptObjects): string | undefined {
  const { secretKeyRef, configMapKeyRef, fieldRef } = source;
  const { workload } = replica;
  const ref = secretKeyRef ?? configMapKeyRef;
  if (ref !== undefined) {
    const kind = secretKeyRef === undefined ? 'ConfigMap' : 'Secret';
    const found = objects.find(keyOf({ kind, metadata: { name: ref.name, namespace: workload.flow.namespace } }));
    const value = found && entryOf(found, ref.key);
    if (value !== undefined || ref.optional === true) return value;
    throw missing(workload, `${name} is the ${ref.key} of the ${kind} ${ref.name}, which is not there`);
  }
  const field = fieldRef && fieldOf(fieldRef.fieldPath, replica);
  if (field !== undefined) return field;
  throw missing(workload, `${name} is ${JSON.stringify(source)}, which a process does not have`);
}

function entryOf({ kind, data, stringData }: KeptObject, key: string): string | undefined {
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

function missing({ flow, function: functionId }: AskedWorkload, what: string): ConfigError {
  return new ConfigError('config-invalid', what, { where: `${flow.namespace}/${flow.jobId} ${functionId}` });
}
