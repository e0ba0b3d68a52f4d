import type { Draft, DraftEdge, DraftFunction } from '../document/draft';
import { allEdgesOf, type DraftGraph } from '../document/draft-graph';
import { functionTypeNames, kindOf, withArticle } from '../function-types/function-type';
import type { FunctionKind } from '../function-types/function-type-descriptor';
import { suggest } from '../problem/nearest-name';
import type { ProblemList } from '../read/problem-list';

/** Checks ids and edges: the dag has no cycle, and every function is connected to a source. */
export function checkGraph(draft: Draft, problems: ProblemList, graph: DraftGraph): void {
  checkDuplicateIds(draft, problems, graph);
  const ids = [...graph.byId.keys()];
  for (const each of draft.functions) {
    checkEdges(each.out, { each, problems, graph, ids });
    for (const side of each.sideOuts) checkEdges(side.out, { each, problems, graph, ids });
    checkEnds(each, problems);
  }
  for (const cycle of graph.cycles()) {
    const names = [cycle[0]?.from, ...cycle.map(({ to }) => to)].map((each) => each?.id).join(' -> ');
    const path = cycle.at(-1)?.path ?? ['dag'];
    problems.add({
      code: 'cycle',
      path,
      message: `cycle: ${names}; remove one of the edges`,
    });
  }
  checkReachable(draft, problems, graph);
}

function checkDuplicateIds(draft: Draft, problems: ProblemList, graph: DraftGraph): void {
  for (const each of draft.functions) {
    const first = each.id === undefined ? each : graph.byId.get(each.id);
    if (first === undefined || first === each) continue;
    const line = problems.lineOf([...first.path, 'id']);
    const message = `the id "${each.id}" is already used on line ${line}; ids must be unique`;
    problems.add({ code: 'id-duplicate', path: [...each.path, 'id'], message });
  }
}

interface EdgeContext {
  readonly each: DraftFunction;
  readonly problems: ProblemList;
  readonly graph: DraftGraph;
  readonly ids: readonly string[];
}

function checkEdges(edges: readonly DraftEdge[], { each, problems, graph, ids }: EdgeContext): void {
  const seen = new Set<string>();
  for (const { to, path } of edges) {
    const target = graph.byId.get(to);
    if (seen.has(to)) {
      problems.add({ code: 'edge-forbidden', path, message: `"${to}" is listed twice; remove one` });
    } else if (target === undefined) {
      problems.add({ code: 'edge-unknown', path, message: `no function has the id "${to}"${suggest(to, ids)}` });
    } else if (to === each.id) {
      problems.add({
        code: 'cycle',
        path,
        message: `"${to}" is the function itself; a function cannot read its own output`,
      });
    } else if (target.kind === 'source') {
      const message = `"${to}" is a source, and sources have no input; reverse the edge`;
      problems.add({ code: 'edge-forbidden', path, message });
    } else if (target.kind === 'worker' || each.kind === 'worker') {
      const worker = target.kind === 'worker' ? to : each.id;
      const message = `"${worker}" runs tasks: no records lead to it or from it; remove the edge`;
      problems.add({ code: 'edge-forbidden', path, message });
    }
    seen.add(to);
  }
}

/** Sinks have no outputs, and sources need a reader. */
function checkEnds(each: DraftFunction, problems: ProblemList): void {
  const has = (key: 'out' | 'sideOuts'): boolean => Array.isArray(each.raw[key]) && each.raw[key].length > 0;
  const name = withArticle(each.type ?? 'sink');
  if (each.kind === 'sink' && has('out')) {
    const message = `${name} has no output; remove "out", or replace the sink by a raw`;
    problems.add({ code: 'edge-forbidden', path: [...each.path, 'out'], message, at: 'key' });
  }
  if ((each.kind === 'sink' || each.descriptor?.hasSideOutputs === false) && has('sideOuts')) {
    const message = `${name} has no side outputs; only functions with code have them`;
    problems.add({ code: 'edge-forbidden', path: [...each.path, 'sideOuts'], message, at: 'key' });
  }
  if (each.kind === 'source' && allEdgesOf(each).length === 0 && each.raw.out === undefined) {
    const message = `the source${named(each)} has no "out"; name a function that reads it`;
    problems.add({ code: 'edge-missing', path: each.path, message });
  } else if (each.kind === 'source' && Array.isArray(each.raw.out) && each.raw.out.length === 0) {
    const message = `the source${named(each)} has an empty "out"; name a function that reads it`;
    problems.add({ code: 'edge-missing', path: [...each.path, 'out'], message, at: 'key' });
  }
}

function checkReachable(draft: Draft, problems: ProblemList, graph: DraftGraph): void {
  if (draft.functions.length === 0) return;
  // A function of unknown kind may be a source.
  const reachable = new Set(draft.functions.filter(({ kind }) => kind === undefined || isStart(kind)));
  if (reachable.size === 0) {
    const sources = functionTypeNames.filter((type) => kindOf(type) === 'source').join(', ');
    const message = `the dag has no source (${sources}); add one`;
    problems.add({ code: 'function-unreachable', path: ['dag'], message, at: 'key' });
    return;
  }
  for (const meant of graph.meant) reachable.add(meant);
  for (const each of reachable) for (const { to } of graph.edgesFrom(each)) reachable.add(to);
  const inCycle = new Set(graph.cycles().flatMap((cycle) => cycle.map(({ to }) => to)));
  for (const each of draft.functions) {
    // Of an unreachable part, only the first function is reported. Duplicate ids are reported elsewhere.
    if (reachable.has(each) || inCycle.has(each) || graph.edgesInto(each).length > 0) continue;
    if (each.id === undefined || graph.byId.get(each.id) !== each) continue;
    const message = `"${each.id}" is unreachable: no "out" names it; add it to the "out" of the function that it reads`;
    problems.add({ code: 'function-unreachable', path: each.path, message });
  }
}

/** Nothing has to lead there. */
function isStart(kind: FunctionKind): boolean {
  return kind === 'source' || kind === 'worker';
}

function named({ id }: DraftFunction): string {
  return id === undefined ? '' : ` "${id}"`;
}
