import { KFlowError, StateError } from '../../../../lib/errors';
import type { FlowPlan, PlannedDevStore } from '../../../../lib/plan/flow-plan';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import { flowPhases } from '../../../api-contract/flow-phase';
import type { FlowList, FlowStatus, FunctionStatus, ListQuery } from '../../../api-contract/flow-status';
import { Limit } from '../../../async/limit';
import type { ReplicaReport } from '../../../engine/counters';
import type { Cluster } from '../../ports/cluster';
import type { FunctionProgress, Streams } from '../../ports/streams';
import { deadLettersReason } from '../activities/batch-flow';
import type { FlowPlanner } from '../documents/flow-planner';
import { findEmptySources } from '../health/empty-sources';
import { explainClosed, explainHealth } from '../health/explain-health';

import { functionStatuses } from '../health/function-statuses';
import { HealthMemory } from '../health/health-memory';
import type { FlowRecord } from '../ports/flow-record';
import type { FlowStore } from '../ports/flow-store';
import type { FlowWorkflows, FlowWorkflowView } from '../ports/flow-workflow';
import { type Lifecycle, lifecycleOf } from './lifecycle';

export interface FlowStatusesProps {
  readonly workflows: FlowWorkflows;
  readonly store: FlowStore;
  readonly cluster: Cluster;
  readonly streams: Streams;
  readonly planner: FlowPlanner;
  readonly reports: { of(flow: FlowKey): readonly ReplicaReport[] };
}

/** How long a healthy flow shows why it was rolled back. */
const rollbackShownMs = 60 * 60_000;
/** Statuses of a list that are read concurrently. */
const maxConcurrent = 16;

/** Reads the statuses of flows from their workflows, records, workloads and streams. */
export class FlowStatuses {
  private readonly memories = new Map<string, HealthMemory>();

  constructor(private readonly props: FlowStatusesProps) {}

  /** Throws StateError `flow-missing`. */
  async of(flow: FlowKey): Promise<FlowStatus> {
    const { workflows, store } = this.props;
    const [view, record] = await Promise.all([workflows.describe(flow), store.record(flow)]);
    const status = await this.read(flow, view, record);
    if (status !== undefined) return status;
    const name = flowName(flow);
    throw new StateError('flow-missing', `there is no flow ${name}; submit it first`, { where: name });
  }

  /** Flows sorted by name. `continue` is the name of the last flow of the previous page, encoded. */
  async list(namespace: string | undefined, query: ListQuery): Promise<FlowList> {
    const { workflows, store } = this.props;
    const [open, records] = await Promise.all([workflows.open(namespace), store.records(namespace)]);
    const recordOf = new Map(records.map((record) => [flowName(record), record]));
    const viewOf = new Map(open.map((view) => [flowName(view.key), view]));
    const names = [...new Set([...recordOf.keys(), ...viewOf.keys()])].sort();
    const after = query.continue === undefined ? '' : Buffer.from(query.continue, 'base64url').toString();
    const selected = names.filter((name) => name > after && (query.id === undefined || name.endsWith(`/${query.id}`)));
    const flows: FlowStatus[] = [];
    let last: string | undefined;
    for (let at = 0; at < selected.length && flows.length < query.limit; ) {
      const batch = selected.slice(at, at + query.limit - flows.length);
      at += batch.length;
      const statuses = await new Limit(maxConcurrent).map(batch, (name) =>
        this.listed(viewOf.get(name), recordOf.get(name)),
      );
      flows.push(...statuses.flatMap((status) => (status !== undefined && matches(status, query) ? [status] : [])));
      last = at < selected.length ? batch.at(-1) : undefined;
    }
    return last === undefined ? { flows } : { flows, continue: Buffer.from(last).toString('base64url') };
  }

  /** A flow that is not in the list of open workflows may be open all the same, so its workflow is described. */
  private async listed(
    view: FlowWorkflowView | undefined,
    record: FlowRecord | undefined,
  ): Promise<FlowStatus | undefined> {
    const flow = view?.key ?? record;
    if (flow === undefined) return undefined;
    const isSettled = view !== undefined || record?.closed !== undefined;
    return this.read(flow, isSettled ? view : await this.props.workflows.describe(flow), record);
  }

  private async read(
    flow: FlowKey,
    view: FlowWorkflowView | undefined,
    record: FlowRecord | undefined,
  ): Promise<FlowStatus | undefined> {
    const lifecycle = lifecycleOf(view, record);
    if (lifecycle === undefined) return undefined;
    const { phase, runId, startTime, closeTime, since, revision } = lifecycle;
    const { plan, fault } = await this.planOf(flow, lifecycle, record);
    const parts = await this.partsOf(flow, lifecycle, plan);
    const isWell = phase === 'Running' && !lifecycle.isChanging && parts.health.state === 'healthy';
    const reason = isWell
      ? lastingReason(lifecycle, record, Date.now())
      : phase === 'Completed' && parts.functions.length > 0
        ? deadLettersReason(parts.functions) // letters may have been dealt with since
        : (lifecycle.reason ?? view?.lastFailure ?? fault);
    return {
      status: phase,
      startTime,
      closeTime,
      execution: { workflow_id: flow.jobId, run_id: runId },
      type: { name: 'KFlowDSL' },
      devInsOuts: foldersOf(plan?.devStore),
      namespace: flow.namespace,
      jobId: flow.jobId,
      ...(plan === undefined ? {} : { mode: plan.mode }),
      revision,
      since,
      ...(reason === undefined ? {} : { reason }),
      ...parts,
    };
  }

  /** The desired plan, or the reason why the document cannot be planned. */
  private async planOf(
    flow: FlowKey,
    { digest, pauses }: Lifecycle,
    record: FlowRecord | undefined,
  ): Promise<{ readonly plan?: FlowPlan; readonly fault?: string }> {
    if (digest === '') return {};
    try {
      const plan = await this.props.planner.plan(flow, digest, record?.epochs ?? {});
      const workloads = plan.workloads.map((workload) => ({
        ...workload,
        isPaused: pauses[workload.function] ?? workload.isPaused,
      }));
      return { plan: { ...plan, workloads } };
    } catch (error) {
      // the controller's settings have changed since the document was accepted, or the document is gone
      if (error instanceof KFlowError) return { fault: error.message };
      throw error;
    }
  }

  private async partsOf(
    flow: FlowKey,
    { phase, isOpen, isChanging, ended }: Lifecycle,
    plan: FlowPlan | undefined,
  ): Promise<Pick<FlowStatus, 'health' | 'functions'>> {
    if (plan === undefined || !isOpen) {
      this.memories.delete(flowName(flow));
      return this.closedPartsOf(plan, phase === 'Completed');
    }
    try {
      return await this.openPartsOf(flow, { plan, phase, isChanging, ended });
    } catch (error) {
      if (!(error instanceof KFlowError)) throw error;
      // phase and revision are known even if the cluster or the streams cannot be read
      const problem = { reason: 'Unreadable', message: error.message, since: new Date().toISOString() };
      return { health: { state: 'unhealthy', problems: [problem] }, functions: [] };
    }
  }

  private async openPartsOf(
    flow: FlowKey,
    { plan, phase, isChanging, ended }: Pick<Lifecycle, 'phase' | 'isChanging' | 'ended'> & { readonly plan: FlowPlan },
  ): Promise<Pick<FlowStatus, 'health' | 'functions'>> {
    const { cluster, reports } = this.props;
    const [workloads, progress] = await Promise.all([cluster.workloads(flow), this.progressOf(plan, isChanging)]);
    const memory = this.memories.get(flowName(flow)) ?? new HealthMemory();
    this.memories.set(flowName(flow), memory);
    const succeeded = workloads.filter(({ outcome }) => outcome === 'succeeded').map(({ function: id }) => id);
    const idle = [...ended, ...succeeded];
    const now = Date.now();
    const health = explainHealth({ phase, plan, workloads, progress, reports: reports.of(flow), idle, now }, memory);
    // healthy replicas of an earlier revision
    const state = isChanging && isHealthy(health) ? 'starting' : health.state;
    const isRunning = flowPhases[phase].replicas === 'running';
    const functions = functionStatuses({ plan, workloads, progress, isRunning, ended: idle });
    return { health: { ...health, state }, functions: [...functions] };
  }

  /** The parts of a closed flow; without functions when its streams do not exist any more. */
  private async closedPartsOf(
    plan: FlowPlan | undefined,
    isCompleted: boolean,
  ): Promise<Pick<FlowStatus, 'health' | 'functions'>> {
    const progress = plan === undefined ? [] : await this.progressOf(plan, true);
    if (plan === undefined || progress.length === 0) {
      return { health: { state: 'inactive', problems: [] }, functions: [] };
    }
    const functions = keptFunctions(plan, progress, isCompleted);
    const health = explainClosed(progress, Date.now());
    const empty = isCompleted ? findEmptySources(plan, functions) : [];
    const since = new Date().toISOString();
    const problems = [...health.problems, ...empty.map((problem) => ({ ...problem, reason: 'NoObjects', since }))];
    return { health: { ...health, problems }, functions: [...functions] };
  }

  /** Streams may be missing while a flow starts, changes or is deleted: it has none without its state bucket. */
  private async progressOf(plan: FlowPlan, mayBeMissing: boolean): Promise<readonly FunctionProgress[]> {
    try {
      const progress = await this.props.streams.progress(plan);
      const hasNone = progress.every(({ missing }) => missing?.includes(`bucket ${plan.stateBucket}`));
      return mayBeMissing && hasNone ? [] : progress;
    } catch (error) {
      if (mayBeMissing) return [];
      throw error;
    }
  }
}

/**
 * What a healthy flow still says: that it was rolled back a moment ago. Every other reason explained a state that is over; the
 * event log has it.
 */
function lastingReason({ reason }: Lifecycle, record: FlowRecord | undefined, now: number): string | undefined {
  const last = record?.revisions.at(-1);
  const isRollback = last?.cause === 'auto-rollback' && last.comment === reason;
  return isRollback && now - Date.parse(last.at) < rollbackShownMs ? reason : undefined;
}

function foldersOf(devStore: PlannedDevStore | undefined): FlowStatus['devInsOuts'] {
  if (devStore === undefined) return [];
  const { bucket } = devStore.bucket;
  return devStore.functions.map(({ function: id, inDir, outDir }) => ({ function: id, bucket, inDir, outDir }));
}

function keptFunctions(
  plan: FlowPlan,
  progress: readonly FunctionProgress[],
  isCompleted: boolean,
): readonly FunctionStatus[] {
  const ended = isCompleted ? plan.workloads.map(({ function: id }) => id) : [];
  const statuses = functionStatuses({ plan, workloads: [], progress, ended });
  return statuses.map((status) => ({ ...status, replicas: 0, isPaused: false }));
}

/** Dead letters are a problem of the past. */
function isHealthy({ state, problems }: FlowStatus['health']): boolean {
  return state === 'healthy' || (state === 'degraded' && problems.every(({ reason }) => reason === 'DeadLetters'));
}

function matches({ status }: FlowStatus, query: ListQuery): boolean {
  return query.status === undefined || status === query.status;
}
