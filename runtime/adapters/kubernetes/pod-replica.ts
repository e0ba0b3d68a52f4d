import type { ReplicaPhase, ReplicaState } from '../../controller/ports/cluster';
import type { ContainerStatus, Pod, Termination } from './pod';

/** Reasons of a container that only takes its time. */
const starting = new Set(['ContainerCreating', 'PodInitializing', undefined]);

/** What a pod's status says of the replica that it is. */
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
  /** Left out: since the pod was made. */
  readonly since?: string | null;
}

function situationOf(pod: Pod): Situation {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
  if (deletionTimestamp !== undefined) {
    // it says when the pod has to be gone
    const toldAt = Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
    return { phase: 'ending', since: new Date(toldAt).toISOString().replace('.000Z', 'Z') };
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
  const told = reason ? { reason, ...oneLine(message) } : failure && endingOf(failure);
  return { phase: 'failed', ...told, ...at };
}

/** Why it cannot start, or waits to be started again; undefined when nothing stands against it. */
function obstacleOf(pod: Pod): Situation | undefined {
  const scheduled = conditionOf(pod, 'PodScheduled');
  if (scheduled?.status === 'False') {
    const { reason = 'Unschedulable', message, lastTransitionTime } = scheduled;
    return { phase: 'waiting', reason, ...oneLine(message), since: lastTransitionTime };
  }
  // sidecars start first, so theirs is the reason when they do not
  for (const container of containersOf(pod)) {
    const told = waitsFor(container);
    if (told !== undefined) return { phase: 'waiting', ...told, since: conditionOf(pod, 'Ready')?.lastTransitionTime };
  }
  return undefined;
}

function waitsFor({ state, lastState }: ContainerStatus): Pick<Situation, 'reason' | 'message'> | undefined {
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

/** How a container has ended: its last words, as a crash's error is the last line, and its exit code. */
function endingOf({ exitCode, reason = 'Error', message = '' }: Termination): { reason: string; message: string } {
  const code = `exit code ${exitCode}`;
  const last = message.trim().split('\n').at(-1) ?? '';
  return { reason, message: last === '' ? code : `${lastWords(last)} (${code})` };
}

/** A log's line as people read it: ours are JSON. */
function lastWords(line: string): string {
  try {
    const { msg } = JSON.parse(line) as { readonly msg?: unknown };
    if (typeof msg === 'string') return msg.trim().split('\n')[0] ?? '';
  } catch {
    // the line is a text already
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
