/**
 * Names of what task flows and task workers share in nats. `namespace` is a Kubernetes namespace. A *task namespace* is the part
 * of a task's name before the first `:`; `default` for a task without one. No flow has a stream with an empty job, so these
 * names are those of no flow.
 */

/** The task namespace of tasks without one. */
const defaultTaskNamespace = 'default';

/** A task: its task namespace, and its name there. */
export interface TaskName {
  readonly taskNamespace: string;
  readonly name: string;
}

/** The task that a step names: `mail:send`, or `send`, which is in `default`. The name may contain further colons. */
export function parseTaskName(task: string): TaskName {
  const colon = task.indexOf(':');
  if (colon < 0) return { taskNamespace: defaultTaskNamespace, name: task };
  return { taskNamespace: task.slice(0, colon), name: task.slice(colon + 1) };
}

/** `<task namespace>:<name>`; the inverse of `parseTaskName`, with `default` written out. */
export function formatTaskName({ taskNamespace, name }: TaskName): string {
  return `${taskNamespace}:${name}`;
}

/** The work-queue stream of the tasks of a namespace. */
export function taskStream(namespace: string): string {
  return `kflow_${namespace}__tasks`;
}

/** All subjects of the stream of tasks. No flow is called `task`, so that they are never those of a flow. */
export function taskSubjects(namespace: string): string {
  return `kflow.${namespace}.task.>`;
}

export function taskSubject(namespace: string, { taskNamespace, name }: TaskName): string {
  return `kflow.${namespace}.task.${taskNamespace}.${name}`;
}

/** What the consumer of a task namespace, which has its name, filters by. */
export function taskNamespaceSubjects(namespace: string, taskNamespace: string): string {
  return `kflow.${namespace}.task.${taskNamespace}.>`;
}

/** The work-queue stream of results, which a controller reads by `resultConsumer`. */
export function resultStream(namespace: string): string {
  return `kflow_${namespace}__results`;
}

export const resultConsumer = 'controller';

/** The subject of the results of an execution; of all with the wildcard `*`. */
export function resultSubject(namespace: string, execution: string): string {
  return `kflow.${namespace}.result.${execution}`;
}

/** Core NATS subject of heartbeats; any controller answers. */
export function heartbeatSubject(namespace: string): string {
  return `kflow.${namespace}.heartbeat`;
}

/** Core NATS subject on which the workers of a task namespace are told of canceled tasks. */
export function cancelSubject(namespace: string, taskNamespace: string): string {
  return `kflow.${namespace}.cancel.${taskNamespace}`;
}

/** Object store bucket of the inputs and outputs that are too large for a message. */
export function valueBucket(namespace: string): string {
  return `kflow_${namespace}__values`;
}

/** KV bucket in which the workers of a namespace announce themselves, under the keys of `workerKey`. */
export function workerBucket(namespace: string): string {
  return `kflow_${namespace}__workers`;
}

/** KV bucket with the last entry of each worker, for a while after the worker has stopped or died. */
export function recentWorkerBucket(namespace: string): string {
  return `kflow_${namespace}__recent`;
}

export function workerKey(taskNamespace: string, worker: string): string {
  return `${taskNamespace}.${worker}`;
}

/** KV bucket in which controllers note the last heartbeat of each task. */
export function taskNoteBucket(namespace: string): string {
  return `kflow_${namespace}__notes`;
}

/** KV bucket of what executions of a namespace share: latches, limits, waits for events, memoized results, and the nats server that controllers have seen last. */
export function sharedBucket(namespace: string): string {
  return `kflow_${namespace}__shared`;
}

/** The stream of events that nobody has processed, and of receipts until they are archived. */
export function eventStream(namespace: string): string {
  return `kflow_${namespace}__events`;
}

/** The subject of the events of a kind; of all with the wildcard `*`. */
export function eventSubject(namespace: string, kind: string): string {
  return `kflow.${namespace}.event.${kind}`;
}

/** The subject of the receipts for an event, whose id may have any characters. */
export function receiptSubject(namespace: string, event: string): string {
  const token = /^[\w-]+$/.test(event) ? event : `=${Buffer.from(event).toString('base64url')}`;
  return `kflow.${namespace}.receipt.${token}`;
}

/** All subjects of receipts. */
export function receiptSubjects(namespace: string): string {
  return `kflow.${namespace}.receipt.*`;
}

/** The stream of events that somebody has processed, once for each receipt. */
export function eventArchiveStream(namespace: string): string {
  return `kflow_${namespace}__archive`;
}

/** The subject of the archived events of a kind; of all with the wildcard `*`. */
export function archiveSubject(namespace: string, kind: string): string {
  return `kflow.${namespace}.archive.${kind}`;
}

/** Settings of the wire contract, documented in docs/task-protocol.md. */
export const taskWire = {
  /** A task whose lease is not renewed for so long is delivered to another worker. */
  ackWaitMs: 15_000,
  /** A task that was begun again more often than this without a result fails with `worker-lost`. */
  maxBegun: 5,
  /** Longest JSON of an input or output within a message, in bytes; a larger one is a claim. */
  maxInlineBytes: 64 * 1024,
  /** Longest JSON of a value, in bytes. */
  maxValueBytes: 100 * 1024 * 1024,
  /** A worker renews its entry so often; one that has not for `workerTtlMs` is gone. */
  announceEveryMs: 5_000,
  workerTtlMs: 15_000,
  /** A task that only workers of this time ago had waits for one that has it. */
  recentTtlMs: 60_000,
  /** Steps that follow in a task message at most, and the longest JSON of their parameters. */
  following: { steps: 16, length: 64 * 1024 },
  /** How long the last heartbeat of a task is known. */
  noteTtlMs: 86_400_000,
  /** Two messages with the same `Nats-Msg-Id` within this time are one. */
  dedupeWindowMs: 120_000,
  /** A canceled task that has not ended after so long is killed. */
  cancelGraceMs: 30_000,
} as const;
