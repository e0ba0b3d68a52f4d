import { type FlowKey, flowName, parseFlowName } from '../../../api-contract/flow-key';
import { backoffMs } from '../../../async/backoff';
import type { Cluster, ClusterWatch, WorkloadState } from '../../ports/cluster';
import type { FlowWorkflows } from '../ports/flow-workflow';

/** Changes of one flow within this time are looked at once. */
const gatherMs = 50;
/** A workflow that has not closed by then is told again, each time later. */
const repeatDelays = { firstMs: 1_000, maxMs: 30_000 };

export interface FlowObserverProps {
  readonly cluster: Cluster;
  readonly workflows: Pick<FlowWorkflows, 'observed'>;
  /** Somebody removes what stands for the flow in the cluster: resolves when the flow is asked to go with its data, if it was not. */
  readonly remove: (flow: FlowKey) => Promise<void>;
  readonly onTrouble: (text: string) => void;
}

/**
 * Tells workflows that Jobs of their flows have ended, and has flows deleted that somebody removes in the cluster.
 *
 * I1. What is told follows from what is there, not from what was seen: after a start, or a gap in what is seen, all flows
 *     are looked at, and what is not acted on is told again.
 * I2. A flow whose workflow does not run is left alone until something of it changes.
 */
export class FlowObserver {
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly removing = new Set<string>();
  private watch: ClusterWatch | undefined;
  private isClosed = false;

  constructor(private readonly props: FlowObserverProps) {}

  async start(): Promise<void> {
    this.watch = await this.props.cluster.watch(
      (flow) => this.schedule(flow, gatherMs, 0),
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
      setTimeout(() => void this.look(name, repeats), afterMs),
    );
  }

  private async look(name: string, repeats: number): Promise<void> {
    this.timers.delete(name);
    const flow = parseFlowName(name);
    if (flow === undefined) return;
    try {
      if (!isTelling(await this.props.cluster.workloads(flow))) return;
      if (!(await this.props.workflows.observed(flow))) return;
    } catch (error) {
      this.props.onTrouble(`${name} was not looked at: ${(error as Error).message}`);
    }
    if (!this.timers.has(name)) this.schedule(flow, backoffMs(repeats, repeatDelays), repeats + 1);
  }

  /** The cluster tells it again for as long as it is asked: a later life of the flow is none of its business. */
  private async remove(flow: FlowKey): Promise<void> {
    const name = flowName(flow);
    if (this.removing.has(name) || this.isClosed) return;
    this.removing.add(name);
    try {
      await this.props.remove(flow);
    } catch (error) {
      this.props.onTrouble(`${name} is removed in the cluster and was not deleted: ${(error as Error).message}`);
    } finally {
      this.removing.delete(name);
    }
  }
}

/** Whether Jobs say something about the whole flow: one has failed, or none is left to end. */
function isTelling(workloads: readonly WorkloadState[]): boolean {
  const jobs = workloads.filter(({ kind }) => kind === 'job');
  if (jobs.length === 0) return false;
  return jobs.some(({ outcome }) => outcome === 'failed') || jobs.every(({ outcome }) => outcome !== undefined);
}
