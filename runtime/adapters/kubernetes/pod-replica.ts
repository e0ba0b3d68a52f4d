import { functionContainer } from '../../../lib/plan/names';
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

/** Whether none of the containers of a pod has started yet. */
export function isCreating(pod: Pod): boolean {
  const hasStarted = containersOf(pod).some(({ state = {} }) => state.running ?? state.terminated);
  return pod.status?.phase === 'Pending' && !hasStarted;
}

interface Situation {
  readonly phase: ReplicaPhase;
  readonly reason?: string;
  readonly message?: string;
  /** Default: the creation of the pod. */
  readonly since?: string | null;
  readonly deadline?: string;
}

function situationOf(pod: Pod): Situation {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
  if (deletionTimestamp !== undefined) {
    // the timestamp is the end of the grace period
    const requestedMs = Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
    const since = new Date(requestedMs).toISOString().replace('.000Z', 'Z');
    const { reason, message } = silenceOf(pod) ?? {};
    const why = reason === undefined ? {} : { reason, message };
    return { phase: 'ending', ...why, since, deadline: deletionTimestamp };
  }
  const phase = pod.status?.phase;
  if (phase === 'Succeeded' || phase === 'Failed') return endOf(pod, phase);
  return silenceOf(pod) ?? completionOf(pod) ?? obstacleOf(pod) ?? progressOf(pod);
}

/**
 * What is known of a pod whose node does not report: the cluster then sets the pod's condition Ready to false, and only the
 * node could set that of its containers. Undefined while the node reports.
 */
function silenceOf(pod: Pod): Situation | undefined {
  const { spec: { nodeName, readinessGates } = {}, status: { phase, reason, message } = {} } = pod;
  const ready = conditionOf(pod, 'Ready');
  const areContainersReady = conditionOf(pod, 'ContainersReady')?.status === 'True';
  const isSilent = ready?.status === 'False' && areContainersReady && (readinessGates ?? []).length === 0;
  if (phase !== 'Unknown' && !isSilent) return undefined;
  const node = nodeName === undefined ? 'its node' : `node ${nodeName}`;
  const what = `${node} does not report; the replica may still run there`;
  const given = phase === 'Unknown' && reason ? { reason, ...oneLine(message || what) } : undefined;
  return { phase: 'not-ready', reason: 'NodeNotReady', message: what, ...given, since: ready?.lastTransitionTime };
}

/** A function that has ended for good while its sidecars are still stopping. */
function completionOf(pod: Pod): Situation | undefined {
  const ended = functionOf(pod)?.state?.terminated;
  const isRestarted = (pod.spec?.restartPolicy ?? 'Always') === 'Always';
  if (ended?.exitCode !== 0 || isRestarted) return undefined;
  return { phase: 'succeeded', since: ended.finishedAt };
}

function endOf(pod: Pod, phase: 'Succeeded' | 'Failed'): Situation {
  const ends = containersOf(pod).flatMap(({ state }) => state?.terminated ?? []);
  const since = ends.map(({ finishedAt }) => finishedAt ?? '').reduce((one, other) => (one > other ? one : other), '');
  const at = since === '' ? {} : { since };
  if (phase === 'Succeeded') return { phase: 'succeeded', ...at };
  return { phase: 'failed', ...failureOf(pod), ...at };
}

/** Why a pod failed: what its node or the cluster did to it, else how its function ended, else how a sidecar did. */
function failureOf(pod: Pod): Pick<Situation, 'reason' | 'message'> | undefined {
  const { reason, message } = pod.status ?? {};
  if (reason) return { reason, ...oneLine(message) };
  const disruption = conditionOf(pod, 'DisruptionTarget');
  if (disruption?.status === 'True') return { reason: disruption.reason, ...oneLine(disruption.message) };
  const own = functionOf(pod);
  const failed = [...(own === undefined ? [] : [own]), ...containersOf(pod)].find(
    ({ state }) => state?.terminated !== undefined && state.terminated.exitCode !== 0,
  );
  return failed?.state?.terminated && named(failed, endingOf(failed.state.terminated));
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
      return { phase: 'waiting', ...named(container, reason), since: conditionOf(pod, 'Ready')?.lastTransitionTime };
  }
  return undefined;
}

function waitingReason(container: ContainerStatus): Pick<Situation, 'reason' | 'message'> | undefined {
  const { terminated, waiting } = container.state ?? {};
  if (terminated !== undefined) {
    if (terminated.exitCode !== 0) return endingOf(terminated);
    // an init container that is done; a function is started again
    return container.name === functionContainer ? endingOf(terminated) : undefined;
  }
  if (starting.has(waiting?.reason)) return undefined;
  const crash = waiting?.reason === 'CrashLoopBackOff' ? container.lastState?.terminated : undefined;
  return { reason: waiting?.reason, ...(crash ? { message: crashOf(crash) } : oneLine(waiting?.message)) };
}

/** The same, with the name of a container that is not the function's. */
function named(
  { name }: ContainerStatus,
  { reason, message }: Pick<Situation, 'reason' | 'message'>,
): Pick<Situation, 'reason' | 'message'> {
  if (name === functionContainer) return { reason, ...oneLine(message) };
  return { reason, message: [`container ${name}`, ...(message === undefined ? [] : [message])].join(': ') };
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

/** How a container crashed before its restart: an exit code alone does not say that it used too much memory. */
function crashOf(termination: Termination): string {
  const { reason, message } = endingOf(termination);
  return reason === 'Error' ? message : `${reason}: ${message}`;
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

function functionOf({ status }: Pod): ContainerStatus | undefined {
  return status?.containerStatuses?.find(({ name }) => name === functionContainer);
}

function containersOf({ status }: Pod): readonly ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

function oneLine(text: string | undefined): { readonly message?: string } {
  const line = (text ?? '').replace(/\s+/g, ' ').trim();
  return line === '' ? {} : { message: line };
}
