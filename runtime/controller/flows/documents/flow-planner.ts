import type { FlowPlan } from '../../../../lib/plan/flow-plan';
import type { PlanSettings } from '../../../../lib/plan/plan-connections';
import { planFlow } from '../../../../lib/plan/plan-flow';
import { runningFunctions } from '../../../../lib/topology/document/graph';
import type { FlowFunction, Topology } from '../../../../lib/topology/document/topology';
import { descriptorOf } from '../../../../lib/topology/function-types/function-type';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { MachineServers, NamedServer } from '../../ports/machine-servers';
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
    /** On one machine: what takes the place of the servers that functions name. */
    private readonly machine?: MachineServers,
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
    const servers = topology.dag.flatMap((fn) => {
      const server = serverOf(fn);
      const substitute = server === undefined ? undefined : this.machine?.of(server);
      return substitute === undefined ? [] : [[fn.id, substitute] as const];
    });
    return planFlow(topology, { ...this.settings, servers: Object.fromEntries(servers), epochs });
  }

  /**
   * Decides, for this and every later plan, what takes the place of the servers that functions name. Resolves with what people
   * should know, by the function's index. Throws ConfigError for a server that the machine cannot run.
   */
  async settleServers(topology: Topology): Promise<readonly { readonly index: number; readonly message: string }[]> {
    const notes: { index: number; message: string }[] = [];
    const running = new Set(runningFunctions(topology));
    for (const [index, fn] of topology.dag.entries()) {
      const server = running.has(fn) ? serverOf(fn) : undefined;
      const substitute = server === undefined ? undefined : await this.machine?.decide(server);
      if (substitute === undefined) continue;
      const place =
        substitute.addr === undefined ? 'to the nats of this machine' : `to ${substitute.addr}, on this machine`;
      notes.push({ index, message: `${fn.id} writes ${place}${fn.addr === undefined ? '' : `, not to ${fn.addr}`}` });
    }
    return notes;
  }

  private async readTopology(flow: FlowKey, digest: string): Promise<Topology> {
    return readFlowDocument(await this.store.document(flow, digest), flow);
  }
}

function serverOf({ type, addr }: FlowFunction): NamedServer | undefined {
  const { connectsTo } = descriptorOf(type);
  if (connectsTo !== 'search-server' && connectsTo !== 'nats-server') return undefined;
  return { connectsTo, ...(addr === undefined ? {} : { addr }) };
}
