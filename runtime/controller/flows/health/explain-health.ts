import type { FlowPlan } from '../../../../lib/plan/flow-plan';
import { type FlowPhase, flowPhases } from '../../../api-contract/flow-phase';
import type { FlowStatus, HealthProblem } from '../../../api-contract/flow-status';
import type { ReplicaReport } from '../../../engine/counters';
import type { WorkloadState } from '../../ports/cluster';
import type { FunctionProgress } from '../../ports/streams';
import { findDrift, findMissing } from './find-drift';
import { findDeadLetters, findMovementFaults } from './find-movement-faults';
import { findJobFailure, findLingering, findReplicaFaults, findScaled } from './find-replica-faults';
import type { Finding, HealthMemory } from './health-memory';

export type Health = FlowStatus['health'];

/** A snapshot of a flow. */
export interface HealthInput {
  readonly phase: FlowPhase;
  readonly plan: FlowPlan;
  readonly workloads: readonly WorkloadState[];
  readonly progress: readonly FunctionProgress[];
  /** The latest report of each replica. */
  readonly reports: readonly ReplicaReport[];
  /** Functions that do not have to run: paused ones, and in a batch flow those that have ended. */
  readonly idle?: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Decides whether every desired replica is ready and every function with input makes progress; if not, lists the problems
 * with their times. Call it every few seconds with the flow's own memory. `starting`: not every replica is ready yet;
 * `degraded`: records are processed, but not as desired; `unhealthy`: some function processes no records; `inactive`: the
 * flow is paused or closed.
 */
export function explainHealth(input: HealthInput, memory: HealthMemory): Health {
  const { phase, plan, workloads, progress, reports, now } = input;
  const idle = idleFunctions(input);
  memory.observe({ now, workloads, progress, reports, idle });
  const findings = plan.workloads.flatMap((workload) => {
    const id = workload.function;
    const state = workloads.find((each) => each.function === id);
    const own = progress.find((each) => each.function === id);
    if (phase === 'Failed') return state === undefined ? [] : findJobFailure(state);
    const isRunning = flowPhases[phase].replicas === 'running' && !idle.has(id);
    const past = own === undefined ? [] : findPast(own, now);
    const rest = [...(state === undefined ? [] : findLingering(state, now)), ...past];
    const missing = own === undefined ? [] : findMissing(own, isRunning);
    const scaled = isRunning && state !== undefined ? findScaled(workload, state) : [];
    if (scaled.length > 0 && state?.desired === 0) return [...scaled, ...missing, ...rest];
    if (flowPhases[phase].replicas === 'none' || idle.has(id)) return [...missing, ...rest];
    const replicas = findReplicaFaults(workload, state, memory);
    // replicas that are ending need not become ready
    if (flowPhases[phase].replicas === 'ending')
      return [...replicas.filter(({ reason }) => !isReadiness(reason)), ...missing, ...rest];
    const movement = own === undefined ? [] : findMovementFaults({ workload, state, own, progress, memory, now });
    return [...scaled, ...replicas, ...missing, ...movement, ...rest];
  });
  return healthOf(memory.keep(findings, now), phase, now);
}

/** The problems that remain when a flow is closed: dead letters, lost records, and what is missing. */
export function explainClosed(progress: readonly FunctionProgress[], now: number): Health {
  const findings = progress.flatMap((own) => [...findMissing(own, false), ...findPast(own, now)]);
  const since = new Date(now).toISOString();
  return healthOf(
    findings.map((finding) => ({ ...finding, since: finding.since ?? since })),
    'Completed',
    now,
  );
}

/** What happened in this run, and does not change any more. */
function findPast(own: FunctionProgress, now: number): readonly Finding[] {
  return [...findDeadLetters(own), ...findDrift(own, now)];
}

/** A flow that is pausing or paused has scaled its workloads to 0 itself. */
function idleFunctions({ phase, plan, workloads, idle = [] }: HealthInput): ReadonlySet<string> {
  const isRunning = flowPhases[phase].replicas === 'running';
  const scaledTo0 = isRunning ? [] : workloads.filter(({ desired }) => desired === 0).map((state) => state.function);
  const paused = plan.workloads.filter(({ isPaused }) => isPaused).map((workload) => workload.function);
  return new Set([...idle, ...scaledTo0, ...paused]);
}

function isReadiness(reason: string): boolean {
  return reason === 'NotReady' || reason === 'TooFewReplicas' || reason === 'Missing';
}

function healthOf(findings: readonly (Finding & { readonly since: string })[], phase: FlowPhase, now: number): Health {
  const isStart = ({ since, graceMs = 0 }: Finding & { readonly since: string }) => now - Date.parse(since) < graceMs;
  const shown = findings.filter((finding) => !isStart(finding));
  const problems = shown.map(
    ({ function: id, replica, reason, message, since }): HealthProblem => ({
      function: id,
      ...(replica === undefined ? {} : { replica }),
      reason,
      message,
      since,
    }),
  );
  if (flowPhases[phase].replicas === 'none') return { state: 'inactive', problems };
  const faults = shown.filter(({ weight }) => weight !== 'info');
  if (faults.some(({ weight }) => weight === 'unhealthy')) return { state: 'unhealthy', problems };
  if (faults.length > 0) return { state: 'degraded', problems };
  return { state: findings.length > shown.length ? 'starting' : 'healthy', problems };
}
