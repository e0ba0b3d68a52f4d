import { nearestName } from '../problem/nearest-name';
import type { DocumentPath } from '../problem/problem';
import type { Draft, DraftFunction, DraftSideOutput } from './draft';

/** An edge between two existing functions. */
export interface ResolvedEdge {
  readonly from: DraftFunction;
  readonly to: DraftFunction;
  /** The side output that the edge starts from; absent: the main output. */
  readonly side?: DraftSideOutput;
  readonly path: DocumentPath;
}

/** The functions of a draft by id (of duplicates, the first) and its valid edges. */
export class DraftGraph {
  readonly byId: ReadonlyMap<string, DraftFunction>;
  /** Without edges of a function to itself, from sinks and into sources, which are errors of their own. */
  readonly edges: readonly ResolvedEdge[];
  /** Functions that a misspelled `out` most likely means. */
  readonly meant: ReadonlySet<DraftFunction>;
  private readonly outgoing = new Map<DraftFunction, ResolvedEdge[]>();
  private readonly ingoing = new Map<DraftFunction, ResolvedEdge[]>();

  constructor(draft: Draft) {
    const byId = new Map<string, DraftFunction>();
    for (const each of draft.functions) if (each.id !== undefined && !byId.has(each.id)) byId.set(each.id, each);
    this.byId = byId;
    const meant = new Set<DraftFunction>();
    const edges: ResolvedEdge[] = [];
    for (const from of draft.functions) {
      for (const edge of allEdgesOf(from)) {
        const to = byId.get(edge.to) ?? byId.get(nearestName(edge.to, byId.keys()) ?? '');
        if (to === undefined || to === from || from.kind === 'sink' || to.kind === 'source') continue;
        if (to.id === edge.to) edges.push({ from, to, side: edge.side, path: edge.path });
        else meant.add(to);
      }
    }
    this.meant = meant;
    this.edges = edges;
    for (const edge of edges) {
      pushTo(this.outgoing, edge.from, edge);
      pushTo(this.ingoing, edge.to, edge);
    }
  }

  edgesFrom(each: DraftFunction): readonly ResolvedEdge[] {
    return this.outgoing.get(each) ?? [];
  }

  edgesInto(each: DraftFunction): readonly ResolvedEdge[] {
    return this.ingoing.get(each) ?? [];
  }

  /** Cycles, each as a list of edges; one for each edge that closes a cycle. */
  cycles(): readonly (readonly ResolvedEdge[])[] {
    const found: ResolvedEdge[][] = [];
    const settled = new Set<DraftFunction>();
    for (const start of this.byId.values()) {
      if (!settled.has(start)) this.walk(start, { settled, found });
    }
    return found;
  }

  /** Depth first, without recursion, because chains may be long. */
  private walk(
    start: DraftFunction,
    { settled, found }: { settled: Set<DraftFunction>; found: ResolvedEdge[][] },
  ): void {
    const trail: ResolvedEdge[] = [];
    const depths = new Map([[start, 0]]);
    const stack = [{ at: start, next: 0 }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const edge = this.edgesFrom(top.at)[top.next];
      top.next += 1;
      if (edge === undefined) {
        stack.pop();
        trail.pop();
        depths.delete(top.at);
        settled.add(top.at);
        continue;
      }
      const depth = depths.get(edge.to);
      if (depth !== undefined) found.push([...trail.slice(depth), edge]);
      else if (!settled.has(edge.to)) {
        depths.set(edge.to, stack.length);
        stack.push({ at: edge.to, next: 0 });
        trail.push(edge);
      }
    }
  }
}

/** All edges that a function declares, of its main output and its side outputs. */
export function allEdgesOf(from: DraftFunction): readonly { to: string; path: DocumentPath; side?: DraftSideOutput }[] {
  return [...from.out, ...from.sideOuts.flatMap((side) => side.out.map((edge) => ({ ...edge, side })))];
}

function pushTo<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}
