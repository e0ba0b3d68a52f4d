import type { FlowPlan } from '../../../../lib/plan/flow-plan';
import type { PlanSettings } from '../../../../lib/plan/plan-connections';
import { planFlow } from '../../../../lib/plan/plan-flow';
import type { Topology } from '../../../../lib/topology/document/topology';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { FlowStore } from '../ports/flow-store';
import { readFlowDocument } from './read-flow-document';

/** Documents that are kept read: those of a thousand flows of usual size are some 100 MB. */
const maxKept = 1_000;

/** Reads flows' documents and plans them; a document that was read is kept for a while, since it never changes. */
export class FlowPlanner {
  private readonly read = new Map<string, Promise<Topology>>();

  constructor(
    private readonly store: Pick<FlowStore, 'document'>,
    private readonly settings: PlanSettings,
  ) {}

  /** Throws StoreError when the document is not there. */
  topology(flow: FlowKey, digest: string): Promise<Topology> {
    const key = `${flowName(flow)}/${digest}`;
    const kept = this.read.get(key);
    this.read.delete(key);
    const reading = kept ?? this.readTopology(flow, digest);
    this.read.set(key, reading);
    reading.catch(() => this.read.delete(key));
    for (const oldest of this.read.keys()) {
      if (this.read.size <= maxKept) break;
      this.read.delete(oldest);
    }
    return reading;
  }

  /** Throws ConfigError for what neither the document nor the controller's settings say. */
  async plan(flow: FlowKey, digest: string, epochs: { readonly [functionId: string]: number }): Promise<FlowPlan> {
    return this.planOf(await this.topology(flow, digest), epochs);
  }

  planOf(topology: Topology, epochs: { readonly [functionId: string]: number } = {}): FlowPlan {
    return planFlow(topology, { ...this.settings, epochs });
  }

  private async readTopology(flow: FlowKey, digest: string): Promise<Topology> {
    return readFlowDocument(await this.store.document(flow, digest), flow);
  }
}
