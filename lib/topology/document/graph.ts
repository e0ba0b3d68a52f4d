import { kindOf } from '../function-types/function-type';
import type { FlowFunction, Topology } from './topology';

/** An output that a function reads: the main output of `from`, or its side output `side`. */
export interface Upstream {
  readonly from: string;
  readonly side?: string;
}

/** Functions and their inputs, by id. */
interface GraphIndex {
  readonly functions: ReadonlyMap<string, FlowFunction>;
  readonly upstreams: ReadonlyMap<string, readonly Upstream[]>;
}

/** Topologies are immutable, so each is indexed once. */
const indexes = new WeakMap<Topology, GraphIndex>();

/** The outputs a function reads, in the order of the document. */
export function upstreamsOf(topology: Topology, id: string): readonly Upstream[] {
  return indexOf(topology).upstreams.get(id) ?? [];
}

/** The functions with these ids, in their order, each once. */
export function functionsOf(topology: Topology, ids: readonly string[]): readonly FlowFunction[] {
  const { functions } = indexOf(topology);
  return [...new Set(ids)].flatMap((id) => functions.get(id) ?? []);
}

function indexOf(topology: Topology): GraphIndex {
  const before = indexes.get(topology);
  if (before !== undefined) return before;
  const upstreams = new Map<string, Upstream[]>();
  const add = (id: string, upstream: Upstream) => {
    const known = upstreams.get(id);
    if (known === undefined) upstreams.set(id, [upstream]);
    else known.push(upstream);
  };
  for (const each of topology.dag) {
    for (const id of new Set(each.out)) add(id, { from: each.id });
    for (const side of each.sideOuts) for (const id of new Set(side.out)) add(id, { from: each.id, side: side.id });
  }
  const index = { functions: new Map(topology.dag.map((each) => [each.id, each])), upstreams };
  indexes.set(topology, index);
  return index;
}

/** The functions that have replicas: all of them or, in a flow that runs step by step, the processes. */
export function runningFunctions({ dag, globalConfig }: Topology): readonly FlowFunction[] {
  return globalConfig.devStore.enabled ? dag.filter(({ type }) => kindOf(type) === 'process') : dag;
}

/** The functions sorted so that each follows all its inputs; otherwise in the order of the document. */
export function inTopologicalOrder(topology: Topology): readonly FlowFunction[] {
  const byId = new Map(topology.dag.map((each) => [each.id, each]));
  const waitsFor = new Map(topology.dag.map((each) => [each.id, 0]));
  for (const each of topology.dag) {
    for (const to of downstreamsOf(each)) waitsFor.set(to, (waitsFor.get(to) ?? 0) + 1);
  }
  const ordered = topology.dag.filter(({ id }) => waitsFor.get(id) === 0);
  for (const each of ordered) {
    for (const to of downstreamsOf(each)) {
      const left = (waitsFor.get(to) ?? 0) - 1;
      waitsFor.set(to, left);
      const next = byId.get(to);
      if (left === 0 && next !== undefined) ordered.push(next);
    }
  }
  return ordered;
}

/** Ids of the functions that read any output of this one, each once. */
function downstreamsOf({ out, sideOuts }: FlowFunction): readonly string[] {
  return [...new Set([...out, ...sideOuts.flatMap((side) => side.out)])];
}
