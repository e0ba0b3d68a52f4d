import { type FlowKey, flowName, parseFlowName } from '../../../api-contract/flow-key';
import { isClosedPhase } from '../../../api-contract/flow-phase';
import type { Cluster, ClusterWatch } from '../../ports/cluster';
import { hasLiveReplicas } from '../activities/wait-for-workloads';
import type { FlowWorkflows } from '../ports/flow-workflow';

const sweepEveryMs = 5_000;

export interface OrphanedFlowsProps {
  readonly cluster: Cluster;
  readonly workflows: Pick<FlowWorkflows, 'describe' | 'open'>;
  /** Removes the workloads of a flow. */
  readonly stop: (flow: FlowKey) => Promise<void>;
  readonly onWarning: (text: string) => void;
}

/**
 * Stops flows whose replicas still run although somebody ended their workflow in Temporal. A workflow that closed by itself
 * has removed its replicas.
 */
export class OrphanedFlows {
  private readonly seen = new Set<string>();
  private watch: ClusterWatch | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(private readonly props: OrphanedFlowsProps) {}

  async start(): Promise<void> {
    this.watch = await this.props.cluster.watch((flow) => this.seen.add(flowName(flow)));
    this.schedule();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    await this.watch?.close();
  }

  private schedule(): void {
    if (this.isClosed) return;
    this.timer = setTimeout(() => void this.sweep().finally(() => this.schedule()), sweepEveryMs);
  }

  private async sweep(): Promise<void> {
    if (this.seen.size === 0) return;
    try {
      const open = new Set((await this.props.workflows.open()).map(({ key }) => flowName(key)));
      for (const name of [...this.seen].filter((each) => !open.has(each))) await this.check(name);
    } catch (error) {
      this.props.onWarning(`cannot check for orphaned flows: ${(error as Error).message}; retrying`);
    }
  }

  private async check(name: string): Promise<void> {
    const flow = parseFlowName(name);
    if (flow === undefined || !(await this.props.cluster.workloads(flow)).some(hasLiveReplicas)) {
      this.seen.delete(name);
      return;
    }
    const view = await this.props.workflows.describe(flow);
    const isOrphaned = view?.memo !== undefined && !view.isOpen && !isClosedPhase(view.memo.phase);
    if (isOrphaned) await this.props.stop(flow);
  }
}
