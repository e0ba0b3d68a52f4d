import type { ReplicaPhase, ReplicaState } from '../../controller/ports/cluster';
import type { ContainerStatus, Pod, Termination } from './pod';

/** Waiting reasons of a container that is starting normally. */
const starting = new Set(['ContainerCreating', 'PodInitializing', undefined]);

/** The state of a replica, from the status of its pod. */
export function replicaState(pod: Pod): ReplicaState {
  const { name, annotations, creationTimestamp = '' } = pod.metadata;
  const { since, ...situation } = situationOf(pod);
  const specHash = annotations?.['kflow.io/spec-hash'];
  return {
    name,
    ...situation,
    restarts: containersOf(pod).reduce((sum, { restartCount }) => sum + restartCount, 0),
    since: since ?? creationTimestamp,
    ...(specHash === undefined ? {} : { specHash }),
  };
}

interface Situation {
  readonly phase: ReplicaPhase;
  readonly reason?: string;
  readonly message?: string;
  /** Default: the creation of the pod. */
  readonly since?: string | null;
}

function situationOf(pod: Pod): Situation {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
  if (deletionTimestamp !== undefined) {
    // the timestamp is the end of the grace period
    const requestedMs = Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
    return { phase: 'ending', since: new Date(requestedMs).toISOString().replace('.000Z', 'Z') };
  }
  const phase = pod.status?.phase;
  if (phase === 'Succeeded' || phase === 'Failed') return endOf(pod, phase);
  return obstacleOf(pod) ?? progressOf(pod);
}

function endOf(pod: Pod, phase: 'Succeeded' | 'Failed'): Situation {
  const ends = containersOf(pod).flatMap(({ state }) => state?.terminated ?? []);
  const since = ends.map(({ finishedAt }) => finishedAt ?? '').reduce((one, other) => (one > other ? one : other), '');
  const at = since === '' ? {} : { since };
  if (phase === 'Succeeded') return { phase: 'succeeded', ...at };
  const { reason, message } = pod.status ?? {};
  const failure = ends.find(({ exitCode }) => exitCode !== 0);
  const cause = reason ? { reason, ...oneLine(message) } : failure && endingOf(failure);
  return { phase: 'failed', ...cause, ...at };
}

/** Why the pod cannot start or waits for a restart; undefined if nothing prevents it. */
function obstacleOf(pod: Pod): Situation | undefined {
  const scheduled = conditionOf(pod, 'PodScheduled');
  if (scheduled?.status === 'False') {
    const { reason = 'Unschedulable', message, lastTransitionTime } = scheduled;
    return { phase: 'waiting', reason, ...oneLine(message), since: lastTransitionTime };
  }
  // sidecars start first, so a sidecar that fails is the reason
  for (const container of containersOf(pod)) {
    const reason = waitingReason(container);
    if (reason !== undefined)
      return { phase: 'waiting', ...reason, since: conditionOf(pod, 'Ready')?.lastTransitionTime };
  }
  return undefined;
}

function waitingReason({ state, lastState }: ContainerStatus): Pick<Situation, 'reason' | 'message'> | undefined {
  const { terminated, waiting } = state ?? {};
  if (terminated !== undefined) return terminated.exitCode === 0 ? undefined : endingOf(terminated);
  if (starting.has(waiting?.reason)) return undefined;
  const crash = waiting?.reason === 'CrashLoopBackOff' ? lastState?.terminated : undefined;
  return { reason: waiting?.reason, ...(crash ? { message: endingOf(crash).message } : oneLine(waiting?.message)) };
}

function progressOf(pod: Pod): Situation {
  const ready = conditionOf(pod, 'Ready');
  if (ready?.status === 'True') return { phase: 'ready', since: ready.lastTransitionTime };
  const containers = containersOf(pod);
  const runsSince = containers.map(({ state }) => state?.running?.startedAt);
  const isStarted =
    pod.status?.phase === 'Running' && containers.every(({ started, state }) => started !== false || state?.terminated);
  if (!isStarted) return { phase: 'starting', since: runsSince.findLast((time) => time !== undefined) };
  return { phase: 'not-ready', reason: 'NotReady', ...oneLine(ready?.message), since: ready?.lastTransitionTime };
}

/** How a container ended: the last line of its output, which is the error of a crash, and the exit code. */
function endingOf({ exitCode, reason = 'Error', message = '' }: Termination): { reason: string; message: string } {
  const code = `exit code ${exitCode}`;
  const last = message.trim().split('\n').at(-1) ?? '';
  return { reason, message: last === '' ? code : `${messageOfLine(last)} (${code})` };
}

/** The message of a log line. KFlow logs JSON. */
function messageOfLine(line: string): string {
  try {
    const { msg } = JSON.parse(line) as { readonly msg?: unknown };
    if (typeof msg === 'string') return msg.trim().split('\n')[0] ?? '';
  } catch {
    // not JSON: the line is the message
  }
  return line.trim();
}

function conditionOf(pod: Pod, type: string) {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

function containersOf({ status }: Pod): readonly ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

function oneLine(text: string | undefined): { readonly message?: string } {
  const line = (text ?? '').replace(/\s+/g, ' ').trim();
  return line === '' ? {} : { message: line };
}
