import { natsServers } from '../../../../lib/plan/nats-access';
import type { PlanSettings } from '../../../../lib/plan/plan-connections';
import type { FlowFunction, Topology } from '../../../../lib/topology/document/topology';
import { descriptorOf } from '../../../../lib/topology/function-types/function-type';
import { searchNodes } from '../../../adapters/search/search-client';
import { isLoopback } from '../../../controller/api/access/loopback';
import { reach } from '../doctor/reach';

/** What takes the place of the servers of a topology, besides nats and S3. */
export interface ReplacedServers {
  readonly servers: NonNullable<PlanSettings['servers']>;
  /** Ends with the run. */
  readonly search?: { readonly endpoint: string };
}

interface Place {
  readonly host: string;
  readonly port: number;
}

export interface Replacement {
  /** Starts the embedded search server; called at most once. */
  readonly startSearch: () => Promise<{ readonly endpoint: string }>;
  readonly say: (line: string) => void;
}

/**
 * Replaces the servers that functions write to, so that a run on this machine changes nothing elsewhere. A server of this
 * machine that answers is used as it is.
 */
export async function replaceServers(topology: Topology, { startSearch, say }: Replacement): Promise<ReplacedServers> {
  const servers: { [functionId: string]: { readonly addr?: string } } = {};
  let search: { readonly endpoint: string } | undefined;
  for (const fn of topology.dag) {
    const { connectsTo } = descriptorOf(fn.type);
    if (connectsTo !== 'search-server' && connectsTo !== 'nats-server') continue;
    const placesOf = connectsTo === 'nats-server' ? natsServers : placesOfSearch;
    if (fn.addr !== undefined && (await answersHere(placesOf(fn.addr)))) {
      say(`${fn.id}: writes to ${fn.addr}, a server of this machine`);
    } else if (connectsTo === 'search-server') {
      search ??= await startSearch();
      servers[fn.id] = { addr: search.endpoint };
    } else if (fn.addr !== undefined) {
      servers[fn.id] = {};
      say(`${fn.id}: publishes on ${fn.topics} of the embedded nats-server, not of ${fn.addr}`);
    }
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

/** Whether one of the servers is on this machine, and answers. */
async function answersHere(places: readonly Place[]): Promise<boolean> {
  for (const place of places.filter(({ host }) => isLoopback(host))) {
    const isThere = await reach(place).then(
      () => true,
      () => false,
    );
    if (isThere) return true;
  }
  return false;
}

function placesOfSearch(addr: string): readonly Place[] {
  return searchNodes(addr).map((url) => {
    const { protocol, hostname, port } = new URL(url);
    return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (protocol === 'https:' ? 443 : 80)) };
  });
}
