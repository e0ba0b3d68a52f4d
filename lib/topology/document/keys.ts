import { descriptorOf } from '../function-types/function-type';
import { inTopologicalOrder, upstreamsOf } from './graph';
import type { FlowFunction, Topology } from './topology';

/** The field whose value is the key of each record that a function emits; undefined if it emits the keys of its input, or none. */
export function ownKeyOf({ type, partitionBy }: FlowFunction): string | undefined {
  return descriptorOf(type).kind === 'sink' ? undefined : partitionBy;
}

/** Whether the records of an output have keys: those of `from`, or of its side output `side`. */
export function hasKeys(topology: Topology, from: string, side?: string): boolean {
  return keyed(topology)[side === undefined ? 'writers' : 'readers'].has(from);
}

/** Whether a function gets records with keys. */
export function readsKeys(topology: Topology, id: string): boolean {
  return keyed(topology).readers.has(id);
}

interface Keyed {
  readonly writers: ReadonlySet<string>;
  readonly readers: ReadonlySet<string>;
}

/** Topologies are immutable, so each is searched once. */
const searched = new WeakMap<Topology, Keyed>();

function keyed(topology: Topology): Keyed {
  const known = searched.get(topology);
  if (known !== undefined) return known;
  const writers = new Set<string>();
  const readers = new Set<string>();
  for (const fn of inTopologicalOrder(topology)) {
    const isReader = upstreamsOf(topology, fn.id).some(({ from, side }) =>
      (side === undefined ? writers : readers).has(from),
    );
    if (isReader) readers.add(fn.id);
    if (isReader || ownKeyOf(fn) !== undefined) writers.add(fn.id);
  }
  const found = { writers, readers };
  searched.set(topology, found);
  return found;
}
