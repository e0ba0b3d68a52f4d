import type { ContainerTemplate, ValueSource } from './desired-workload';
import { missing, type Replica, toRealPath, writeVolumes } from './replica-volumes';
import { entriesOf, entryOf, keyOf, type StoredObjects } from './stored-objects';

type Variables = { readonly [name: string]: string };

/**
 * Writes the current ConfigMaps and Secrets of a replica as files, and returns the environment variables of its manifest.
 * Paths below the mount of one are replaced by the path of its folder. Throws ConfigError that names a missing object or key.
 */
export function setUpReplica(replica: Replica, objects: StoredObjects): Variables {
  const { template } = replica.workload;
  const [container] = template.spec.containers as [ContainerTemplate];
  const mounts = writeVolumes(replica, objects);
  const env: { [name: string]: string } = {
    ...variablesFrom(replica, container, objects),
    ...(replica.workload.kind === 'job' ? { JOB_COMPLETION_INDEX: String(replica.number) } : {}),
  };
  for (const { name, value, valueFrom } of container.env) {
    const found = valueFrom === undefined ? value : readSource(name, valueFrom, replica, objects);
    if (found !== undefined) env[name] = toRealPath(found, mounts);
  }
  return env;
}

/** The keys of whole ConfigMaps and Secrets. */
function variablesFrom({ workload }: Replica, { envFrom }: ContainerTemplate, objects: StoredObjects): Variables {
  const variables = envFrom.flatMap(({ prefix = '', configMapRef, secretRef }) => {
    const ref = secretRef ?? configMapRef;
    if (ref === undefined) return [];
    const kind = secretRef === undefined ? 'ConfigMap' : 'Secret';
    const found = objects.find(keyOf({ kind, metadata: { name: ref.name, namespace: workload.flow.namespace } }));
    if (found === undefined && ref.optional === true) return [];
    if (found === undefined) throw missing(workload, `envFrom: ${kind} ${ref.name} not found`);
    return Object.entries(entriesOf(found)).map(([key, value]) => [`${prefix}${key}`, value] as const);
  });
  return Object.fromEntries(variables.filter(([, value]) => value !== undefined)) as Variables;
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

function fieldOf(fieldPath: string, { workload, number, name }: Replica): string | undefined {
  const label = /^metadata\.labels\['(.+)'\]$/.exec(fieldPath)?.[1];
  if (label === 'apps.kubernetes.io/pod-index') return String(number);
  if (label !== undefined) return workload.template.metadata.labels[label] ?? '';
  if (fieldPath === 'metadata.name') return name;
  if (fieldPath === 'metadata.namespace') return workload.flow.namespace;
  return fieldPath === 'status.podIP' || fieldPath === 'status.hostIP' ? '127.0.0.1' : undefined;
}
