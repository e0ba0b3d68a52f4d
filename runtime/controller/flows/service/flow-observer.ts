import { type FlowKey, flowName, parseFlowName } from '../../../api-contract/flow-key';
import { backoffMs } from '../../../async/backoff';
import type { Cluster, ClusterWatch, WorkloadState } from '../../ports/cluster';
import { exhaustedReplica } from '../activities/batch-flow';
import type { FlowWorkflows } from '../ports/flow-workflow';

/** Changes of one flow within this time are handled together. */
const debounceMs = 50;
/** A workflow that stays open after a signal is signaled again. */
const repeatDelays = { firstMs: 1_000, maxMs: 30_000 };

export interface FlowObserverProps {
  readonly cluster: Cluster;
  readonly workflows: Pick<FlowWorkflows, 'observed'>;
  /** Called for a flow whose owner object was deleted in the cluster; deletes the flow unless it is already ending. */
  readonly remove: (flow: FlowKey) => Promise<void>;
  readonly onWarning: (text: string) => void;
}

/**
 * Signals workflows when Jobs of their flows have ended, and deletes flows whose owner object was deleted in the cluster.
 *
 * I1. Signals depend on the current state, not on events: after a start or a gap in the watch, every flow is checked, and a
 *     signal is repeated until the workflow closes or the state changes.
 * I2. A flow without an open workflow is not checked again until its workloads change.
 */
export class FlowObserver {
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly removing = new Set<string>();
  private watch: ClusterWatch | undefined;
  private isClosed = false;

  constructor(private readonly props: FlowObserverProps) {}

  async start(): Promise<void> {
    this.watch = await this.props.cluster.watch(
      (flow) => this.schedule(flow, debounceMs, 0),
      (flow) => void this.remove(flow),
    );
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
    await this.watch?.close();
  }

  private schedule(flow: FlowKey, afterMs: number, repeats: number): void {
    if (this.isClosed) return;
    const name = flowName(flow);
    clearTimeout(this.timers.get(name));
    this.timers.set(
      name,
      setTimeout(() => void this.check(name, repeats), afterMs),
    );
  }

  private async check(name: string, repeats: number): Promise<void> {
    this.timers.delete(name);
    const flow = parseFlowName(name);
    if (flow === undefined) return;
    try {
      if (!mayCloseFlow(await this.props.cluster.workloads(flow))) return;
      if (!(await this.props.workflows.observed(flow))) return;
    } catch (error) {
      this.props.onWarning(`${name}: cannot check whether its Jobs have ended: ${(error as Error).message}; retrying`);
    }
    if (!this.timers.has(name)) this.schedule(flow, backoffMs(repeats, repeatDelays), repeats + 1);
  }

  /** The cluster repeats the call until the flow is removed, so a failure needs no retry here. */
  private async remove(flow: FlowKey): Promise<void> {
    const name = flowName(flow);
    if (this.removing.has(name) || this.isClosed) return;
    this.removing.add(name);
    try {
      await this.props.remove(flow);
    } catch (error) {
      const reason = (error as Error).message;
      this.props.onWarning(`${name} was deleted in the cluster, but its data cannot be removed: ${reason}; retrying`);
    } finally {
      this.removing.delete(name);
    }
  }
}

/** Whether the flow may be completed or failed: a Job or a replica has failed for good, or all Jobs have ended. */
function mayCloseFlow(workloads: readonly WorkloadState[]): boolean {
  const jobs = workloads.filter(({ kind }) => kind === 'job');
  if (jobs.length === 0) return false;
  if (workloads.some((workload) => exhaustedReplica(workload) !== undefined)) return true;
  return jobs.some(({ outcome }) => outcome === 'failed') || jobs.every(({ outcome }) => outcome !== undefined);
}
