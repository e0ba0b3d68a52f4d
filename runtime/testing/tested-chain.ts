import { upstreamsOf } from '../../lib/topology/document/graph';
import type { FlowFunction, Topology } from '../../lib/topology/document/topology';
import { suggest } from '../../lib/topology/problem/nearest-name';
import type { Fault } from './fault';

/** The ends of a chain. */
export interface TestedWay {
  readonly first: FlowFunction;
  readonly to: string | readonly string[] | undefined;
  /** Whether the first function runs, too. */
  readonly runs: boolean;
}

/** Every function behind the first one. */
const all = '*';

/**
 * The functions that a test runs, in the order of the document: the first one alone, or all on a way from it to the last ones.
 * A source for which the test has input does not run itself. Adds a fault for each last function that there is no way to.
 */
export function testedChain(
  topology: Topology,
  { first, to, runs }: TestedWay,
  faults: Fault[],
): readonly FlowFunction[] {
  const behind = reachable([first.id], (id) => readersOf(topology, id));
  const isRun = ({ id }: FlowFunction) => id !== first.id || runs;
  if (to === undefined && runs) return [first];
  if (to === undefined || to === all) return topology.dag.filter((fn) => behind.has(fn.id) && isRun(fn));
  const last = typeof to === 'string' ? [to] : to;
  last.forEach((id, index) => {
    if (behind.has(id) && (id !== first.id || runs)) return;
    const path = typeof to === 'string' ? ['to'] : ['to', index];
    const known = topology.dag.map((fn) => fn.id);
    const what = known.includes(id)
      ? `no edges lead from ${first.id} to ${id}`
      : `no function has the id "${id}"${suggest(id, known)}`;
    faults.push({ path, message: what });
  });
  const before = reachable(last, (id) => upstreamsOf(topology, id).map(({ from }) => from));
  return topology.dag.filter((fn) => behind.has(fn.id) && before.has(fn.id) && isRun(fn));
}

/** The functions that read an output of a function. */
function readersOf(topology: Topology, id: string): readonly string[] {
  const fn = topology.dag.find((each) => each.id === id);
  return fn === undefined ? [] : [...fn.out, ...fn.sideOuts.flatMap((side) => side.out)];
}

/** The start and everything that can be reached from it. */
function reachable(start: readonly string[], next: (id: string) => readonly string[]): ReadonlySet<string> {
  const found = new Set(start);
  for (const id of found) for (const each of next(id)) found.add(each);
  return found;
}
