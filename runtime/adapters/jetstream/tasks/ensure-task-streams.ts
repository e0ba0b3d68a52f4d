import { DiscardPolicy, type JetStreamManager, nanos, RetentionPolicy, StorageType, type StreamConfig } from 'nats';
import {
  recentWorkerBucket,
  resultStream,
  resultSubject,
  sharedBucket,
  taskNamespaceSubjects,
  taskNoteBucket,
  taskStream,
  taskSubjects,
  taskWire,
  workerBucket,
} from '../../../../lib/plan/task-names';
import { addConsumer, bucketConfig, ensureStream } from '../provision';
import { readServer } from '../retry-request';

/** Unacked tasks of a task namespace, over all workers. */
const maxAckPending = 25_000;

/** Creates what a controller and the workers of a namespace need to talk: the streams of tasks and results, the buckets of workers and notes. */
export async function ensureTaskStreams(manager: JetStreamManager, namespace: string, replicas = 1): Promise<void> {
  const workers = bucketConfig(workerBucket(namespace), replicas);
  const recent = bucketConfig(recentWorkerBucket(namespace), replicas);
  const notes = bucketConfig(taskNoteBucket(namespace), replicas);
  await Promise.all([
    ensureStream(manager, workQueue(taskStream(namespace), taskSubjects(namespace), replicas)),
    ensureStream(manager, workQueue(resultStream(namespace), resultSubject(namespace, '*'), replicas)),
    ensureStream(manager, { ...workers, max_age: nanos(taskWire.workerTtlMs) }),
    ensureStream(manager, { ...recent, max_age: nanos(taskWire.recentTtlMs) }),
    ensureStream(manager, bucketConfig(sharedBucket(namespace), replicas)),
    ensureStream(manager, { ...notes, max_age: nanos(taskWire.noteTtlMs) }),
  ]);
}

/** Creates the durable consumer that the workers of a task namespace share; it exists as soon as a task was sent there. */
export async function ensureTaskConsumer(
  manager: JetStreamManager,
  { namespace, taskNamespace }: { readonly namespace: string; readonly taskNamespace: string },
): Promise<void> {
  await addConsumer(manager, {
    stream: taskStream(namespace),
    durable: taskNamespace,
    subject: taskNamespaceSubjects(namespace, taskNamespace),
    ackWaitMs: taskWire.ackWaitMs,
    maxAckPending,
  });
}

/** The task namespaces that tasks were sent to, or that workers were started for. */
export async function taskNamespacesIn(manager: JetStreamManager, namespace: string): Promise<readonly string[]> {
  return readServer(`stream ${taskStream(namespace)}`, async () => {
    const names: string[] = [];
    for await (const { name } of manager.consumers.list(taskStream(namespace))) names.push(name);
    return names;
  });
}

/** A message of a work queue is removed when it is acked. */
function workQueue(name: string, subject: string, replicas: number) {
  return {
    name,
    subjects: [subject],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    num_replicas: replicas,
    duplicate_window: nanos(taskWire.dedupeWindowMs),
    allow_direct: true,
  } satisfies Partial<StreamConfig> & { readonly name: string };
}
