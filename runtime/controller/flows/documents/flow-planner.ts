import type { FlowPlan } from '../../../../lib/plan/flow-plan';
import type { PlanSettings } from '../../../../lib/plan/plan-connections';
import { planFlow } from '../../../../lib/plan/plan-flow';
import type { Topology } from '../../../../lib/topology/document/topology';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { FlowStore } from '../ports/flow-store';
import { readFlowDocument } from './read-flow-document';

/** Parsed documents in the cache: a thousand of typical size take about 100 MB. */
const maxCached = 1_000;

/** Reads and plans the documents of flows. Parsed documents are cached by digest. */
export class FlowPlanner {
  private readonly cache = new Map<string, Promise<Topology>>();

  constructor(
    private readonly store: Pick<FlowStore, 'document'>,
    private readonly settings: PlanSettings,
  ) {}

  /** Throws StoreError if the document does not exist. */
  topology(flow: FlowKey, digest: string): Promise<Topology> {
    const key = `${flowName(flow)}/${digest}`;
    const cached = this.cache.get(key);
    this.cache.delete(key);
    const reading = cached ?? this.readTopology(flow, digest);
    this.cache.set(key, reading);
    reading.catch(() => this.cache.delete(key));
    for (const oldest of this.cache.keys()) {
      if (this.cache.size <= maxCached) break;
      this.cache.delete(oldest);
    }
    return reading;
  }

  /** Throws ConfigError for a setting that neither the document nor the controller's settings have. */
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
