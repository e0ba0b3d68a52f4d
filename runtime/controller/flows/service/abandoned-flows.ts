import { type FlowKey, flowName, parseFlowName } from '../../../api-contract/flow-key';
import type { Cluster, ClusterWatch } from '../../ports/cluster';
import { hasLiving } from '../activities/wait-for-workloads';
import { isClosedPhase } from '../ports/flow-phase';
import type { FlowWorkflows } from '../ports/flow-workflow';

const everyMs = 5_000;

export interface AbandonedFlowsProps {
  readonly cluster: Cluster;
  readonly workflows: Pick<FlowWorkflows, 'describe' | 'open'>;
  /** Removes what runs of the flow. */
  readonly abandon: (flow: FlowKey) => Promise<void>;
  readonly onTrouble: (text: string) => void;
}

/**
 * Finds flows that run although their workflow was ended from outside, as terminated in Temporal: without it nobody would
 * ever end them. A workflow that ended by itself has removed what ran, or does so in a moment.
 */
export class AbandonedFlows {
  private readonly seen = new Set<string>();
  private watch: ClusterWatch | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(private readonly props: AbandonedFlowsProps) {}

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
    this.timer = setTimeout(() => void this.sweep().finally(() => this.schedule()), everyMs);
  }

  private async sweep(): Promise<void> {
    if (this.seen.size === 0) return;
    try {
      const open = new Set((await this.props.workflows.open()).map(({ key }) => flowName(key)));
      for (const name of [...this.seen].filter((each) => !open.has(each))) await this.look(name);
    } catch (error) {
      this.props.onTrouble(`flows without a workflow were not looked for: ${(error as Error).message}`);
    }
  }

  private async look(name: string): Promise<void> {
    const flow = parseFlowName(name);
    if (flow === undefined || !(await this.props.cluster.workloads(flow)).some(hasLiving)) {
      this.seen.delete(name);
      return;
    }
    const view = await this.props.workflows.describe(flow);
    const isAbandoned = view?.memo !== undefined && !view.isOpen && !isClosedPhase(view.memo.phase);
    if (isAbandoned) await this.props.abandon(flow);
  }
}
