import type { PlanSettings } from '../../../../lib/plan/plan-connections';
import { runningFunctions } from '../../../../lib/topology/document/graph';
import type { FlowFunction, Topology } from '../../../../lib/topology/document/topology';
import { descriptorOf } from '../../../../lib/topology/function-types/function-type';
import { substituteOf } from './substitute';

/** What takes the place of the servers of a topology, besides nats and S3. */
export interface ReplacedServers {
  readonly servers: NonNullable<PlanSettings['servers']>;
  /** Ends with the run. */
  readonly search?: { readonly endpoint: string };
}

export interface Replacement {
  /** Starts the embedded search server; called at most once. */
  readonly startSearch: () => Promise<{ readonly endpoint: string }>;
  readonly say: (line: string) => void;
}

/** Replaces the servers that functions write to, so that a run on this machine changes nothing elsewhere. */
export async function replaceServers(topology: Topology, { startSearch, say }: Replacement): Promise<ReplacedServers> {
  const servers: { [functionId: string]: { readonly addr?: string } } = {};
  let search: { readonly endpoint: string } | undefined;
  const startOnce = async () => {
    search ??= await startSearch();
    return search;
  };
  for (const { id, type, addr, topics } of runningFunctions(topology)) {
    const { connectsTo } = descriptorOf(type);
    if (connectsTo !== 'search-server' && connectsTo !== 'nats-server') continue;
    const substitute = await substituteOf({ connectsTo, addr }, startOnce);
    if (substitute !== undefined) servers[id] = substitute;
    if (addr === undefined) continue;
    if (substitute === undefined) say(`${id}: writes to ${addr}, a server of this machine`);
    else if (connectsTo === 'nats-server')
      say(`${id}: publishes on ${topics} of the embedded nats-server, not of ${addr}`);
  }
  return { servers, ...(search === undefined ? {} : { search }) };
}

/** The indices of an embedded search server that functions write to. */
export function indicesOf(topology: Topology, { servers, search }: ReplacedServers): readonly string[] {
  const isEmbedded = ({ id }: FlowFunction) => search !== undefined && servers[id]?.addr === search.endpoint;
  return [...new Set(topology.dag.filter(isEmbedded).flatMap(({ topics }) => topics ?? []))];
}

/** Number of documents of an index; 0 when it does not exist. */
export async function countDocuments(endpoint: string, index: string): Promise<number> {
  const url = `${endpoint}/${encodeURIComponent(index)}`;
  await fetch(`${url}/_refresh`, { method: 'POST' });
  const { count = 0 } = (await (await fetch(`${url}/_count`)).json()) as { count?: number };
  return count;
}
