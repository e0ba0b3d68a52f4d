import { natsServers } from '../../../../lib/plan/nats-access';
import { searchNodes } from '../../../adapters/search/search-client';
import { isLoopback } from '../../../controller/api/access/loopback';
import type { NamedServer, Substitute } from '../../../controller/ports/machine-servers';
import { reach } from '../doctor/reach';

interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * What takes the place of a server, so that a flow on this machine changes nothing elsewhere: the embedded search server, or
 * the flow's own nats. Undefined for the server itself, as for one of this machine that answers.
 */
export async function substituteOf(
  { connectsTo, addr }: NamedServer,
  startSearch: () => Promise<{ readonly endpoint: string }>,
): Promise<Substitute | undefined> {
  const placesOf = connectsTo === 'nats-server' ? natsServers : placesOfSearch;
  if (addr !== undefined && (await answersHere(placesOf(addr)))) return undefined;
  if (connectsTo === 'search-server') return { addr: (await startSearch()).endpoint };
  return addr === undefined ? undefined : {};
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
