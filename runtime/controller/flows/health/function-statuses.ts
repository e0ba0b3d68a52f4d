import type { FlowPlan, PlannedWorkload } from '../../../../lib/plan/flow-plan';
import type { FunctionStatus } from '../../../api-contract/flow-status';
import type { WorkloadState } from '../../ports/cluster';
import type { FunctionProgress } from '../../ports/streams';

export interface FunctionStatusInput {
  readonly plan: Pick<FlowPlan, 'workloads' | 'mode'>;
  readonly workloads: readonly WorkloadState[];
  readonly progress: readonly FunctionProgress[];
  /** The flow runs: a workload without desired replicas was scaled by somebody, and its function is not paused. */
  readonly isRunning?: boolean;
  /** Functions of a batch flow whose replicas have all ended in this run. */
  readonly ended?: readonly string[];
  /** An earlier reading whose records are not counted; default: everything since the streams were created counts. */
  readonly baseline?: readonly FunctionProgress[];
}

/**
 * The status of each function, in the order of the plan. `in` counts the records acked except for dead letters, `out` the
 * records written to the main output; both are counted from the baseline, and so is `dead` in stream mode. After a re-read, `in` counts the
 * records that are read again too.
 */
export function functionStatuses(input: FunctionStatusInput): readonly FunctionStatus[] {
  return input.plan.workloads.map((workload) => functionStatus(workload, input));
}

function functionStatus(
  { function: id, spec, replicas, isPaused }: PlannedWorkload,
  { plan, workloads, progress, isRunning = false, ended = [], baseline = [] }: FunctionStatusInput,
): FunctionStatus {
  const state = workloads.find((each) => each.function === id);
  const own = progress.find((each) => each.function === id);
  const before = baseline.find((each) => each.function === id);
  const count = (read: (progress: FunctionProgress) => number) =>
    Math.max(0, (own === undefined ? 0 : read(own)) - (before === undefined ? 0 : read(before)));
  const { output } = spec;
  const states = state?.replicas ?? [];
  const pending = sum(own?.inputs.map((input) => input.pending) ?? []);
  const unacked = sum(own?.inputs.map(({ ackPending }) => ackPending) ?? []);
  // without a replica, records that wait for a retry are held by none and cannot be acked before the function resumes
  const isAtRest = state !== undefined && state.desired === 0 && states.length === 0;
  return {
    function: id,
    type: spec.type,
    replicas: state?.desired ?? (isPaused ? 0 : replicas),
    ready: states.filter(({ phase }) => phase === 'ready').length,
    isPaused: isPaused || (!isRunning && state?.desired === 0),
    ...(ended.includes(id) ? { isDone: true } : {}),
    ...(spec.inputs.length === 0 ? {} : { in: count((each) => ackedOf(each) - each.dead) }),
    ...(output === undefined ? {} : { out: count((each) => lastSequenceOf(each, output.stream)) }),
    pending: isAtRest ? pending + unacked : pending,
    held: isAtRest ? 0 : unacked,
    // those of a batch that was interrupted and continues belong to its run
    dead: plan.mode === 'batch' ? (own?.dead ?? 0) : count(({ dead }) => dead),
    ...(own?.oldestDead === undefined ? {} : { oldestDead: own.oldestDead }),
    ...(own?.redriving === undefined ? {} : { redriving: own.redriving }),
    restarts: sum(states.map(({ restarts }) => restarts)),
  };
}

function ackedOf({ inputs }: FunctionProgress): number {
  return sum(inputs.map(({ acked }) => acked));
}

function lastSequenceOf({ outputs }: FunctionProgress, stream: string): number {
  return outputs.find((output) => output.stream === stream)?.lastSequence ?? 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
