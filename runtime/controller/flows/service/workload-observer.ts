import type { FlowPlan } from '../../../../lib/plan/flow-plan';
import { type FlowKey, flowName, parseFlowName } from '../../../api-contract/flow-key';
import { flowPhases } from '../../../api-contract/flow-phase';
import type { Cluster, ClusterWatch, WorkloadState } from '../../ports/cluster';
import type { FlowPlanner } from '../documents/flow-planner';
import type { FlowMemo, FlowWorkflows } from '../ports/flow-workflow';

/** Changes of one flow within this time are handled together. */
const debounceMs = 200;
/** A difference is acted on when it is still the same after this time: an apply may be in progress. */
const confirmMs = 1_500;
/** A flow whose desired state is being applied is checked again after this time. */
const unsettledMs = 3_000;

export interface WorkloadObserverProps {
  readonly cluster: Cluster;
  readonly workflows: Pick<FlowWorkflows, 'describe' | 'observed'>;
  readonly planner: Pick<FlowPlanner, 'plan'>;
  readonly onWarning: (text: string) => void;
}

/**
 * Notices workloads that somebody scaled, edited or deleted in the cluster, and makes the workflow of their flow apply its
 * desired state again.
 *
 * I1. A flow is examined at the start and when its set of workloads, a number of desired replicas or a specification has
 *     changed; any other change costs no request.
 * I2. A difference counts only if it is the same in two readings, with the same settled desired state.
 * I3. An edit counts once: what it added may be nothing that the desired state says something about.
 */
export class WorkloadObserver {
  private readonly timers = new Map<string, NodeJS.Timeout>();
  /** What was examined last, by flow. */
  private readonly examined = new Map<string, string>();
  /** Generations of the workloads that were found as desired, by flow. */
  private readonly accepted = new Map<string, Generations>();
  /** Flows from before the start, until they are settled or change: their edits may be from before, too. */
  private earlier: Set<string> = new Set();
  private watch: ClusterWatch | undefined;
  private isClosed = false;

  constructor(private readonly props: WorkloadObserverProps) {}

  async start(): Promise<void> {
    this.watch = await this.props.cluster.watch((flow) => this.schedule(flow, debounceMs));
    this.earlier = new Set(this.timers.keys());
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
    await this.watch?.close();
  }

  private schedule(flow: FlowKey, afterMs: number, found?: string): void {
    const name = flowName(flow);
    if (this.isClosed || (found === undefined && this.timers.has(name))) return;
    clearTimeout(this.timers.get(name));
    this.timers.set(
      name,
      setTimeout(() => void this.check(name, found), afterMs),
    );
  }

  private async check(name: string, found: string | undefined): Promise<void> {
    this.timers.delete(name);
    const flow = parseFlowName(name);
    if (flow === undefined) return;
    try {
      await this.examine(flow, found);
    } catch (error) {
      this.props.onWarning(
        `${name}: cannot compare its workloads with the plan: ${(error as Error).message}; retrying`,
      );
      this.schedule(flow, unsettledMs);
    }
  }

  private async examine(flow: FlowKey, found: string | undefined): Promise<void> {
    const { cluster, workflows, planner } = this.props;
    const name = flowName(flow);
    const before = await cluster.workloads(flow);
    const shape = shapeOf(before);
    if (this.examined.get(name) === shape) return; // I1
    const view = await workflows.describe(flow);
    const memo = view?.memo;
    if (view?.isOpen !== true || memo === undefined || memo.digest === '' || memo.phase === 'Stopping') {
      this.examined.delete(name);
      this.accepted.delete(name);
      this.earlier.delete(name);
      return;
    }
    if (!memo.isSettled || flowPhases[memo.phase].replicas === 'ending') {
      this.earlier.delete(name);
      return this.schedule(flow, unsettledMs);
    }
    const workloads = await cluster.workloads(flow);
    const accepted = this.accepted.get(name) ?? (this.earlier.has(name) ? undefined : new Map());
    const drift = describeDrift(await planner.plan(flow, memo.digest, {}), memo, workloads, accepted);
    if (drift === undefined) {
      this.examined.set(name, shape);
      this.accepted.set(name, generationsOf(workloads));
      return;
    }
    const difference = `${memo.revision} ${memo.since} ${drift}`;
    if (found !== difference) return this.schedule(flow, confirmMs, difference); // I2
    await workflows.observed(flow, drift);
    this.accepted.set(name, generationsOf(workloads)); // I3
    this.schedule(flow, unsettledMs);
  }
}

/**
 * The workloads that differ from the desired state, as in `map has 0 of 2 replicas; sink is missing`, or that somebody edited
 * after KFlow and since they had the accepted generations, without which edits do not count; undefined when there is none.
 * Workloads that have ended, and those of functions that ended in an earlier workflow, do not count.
 */
export function describeDrift(
  plan: FlowPlan,
  { phase, pauses, ended }: Pick<FlowMemo, 'phase' | 'pauses' | 'ended'>,
  workloads: readonly WorkloadState[],
  accepted?: Generations,
): string | undefined {
  const isHalted = flowPhases[phase].replicas === 'none';
  const differences = plan.workloads.flatMap(({ function: id, replicas, isPaused }) => {
    if (ended.includes(id)) return [];
    const state = workloads.find((each) => each.function === id);
    if (state === undefined) return [`${id} is missing`];
    const desired = isHalted || (pauses[id] ?? isPaused) ? 0 : replicas;
    if (state.outcome !== undefined) return [];
    if (state.desired !== desired) return [`${id} has ${state.desired} of ${desired} replicas`];
    const isEdited =
      state.changedBy !== undefined && accepted !== undefined && state.generation !== accepted.get(state.name);
    return isEdited ? [`${id} was edited by ${state.changedBy}`] : [];
  });
  return differences.length === 0 ? undefined : differences.join('; ');
}

/** Generation of each workload, by its name. */
type Generations = ReadonlyMap<string, number | undefined>;

function generationsOf(workloads: readonly WorkloadState[]): Generations {
  return new Map(workloads.map(({ name, generation }) => [name, generation]));
}

function shapeOf(workloads: readonly WorkloadState[]): string {
  const parts = workloads.map(
    ({ function: id, desired, outcome, generation }) => `${id} ${desired} ${outcome ?? ''} ${generation ?? ''}`,
  );
  return parts.sort().join('\n');
}
