import type { FlowFunction, Topology } from '../document/topology';
import { formatPath } from '../problem/document-path';
import { compareFunctions, type FunctionComparison } from './compare-functions';
import { compareValues, type ValueDifference } from './compare-values';
import { type DifferenceOwner, type UpdateDifference, updateDifference } from './update-difference';

const undo = 'an update does not change it: put it back, or delete the flow and submit this document anew';

/**
 * What keeps a topology from being an update of the one that runs; empty when it is one. An update has the same
 * functions with the same outputs, and differs only in image, imagePullPolicy, topics, parallelism, user, password, addr
 * (and secret, for the two) and meta of functions that say `update: true`. Order means nothing, and neither do defaults
 * that are written out.
 */
export function checkUpdate(from: Topology, to: Topology): readonly UpdateDifference[] {
  const flow = flowDifferences(from, to);
  return [
    ...flow.map((difference) => updateDifference(difference, { named: [], place: [] }, undo)),
    ...missingFunctions(from, to),
    ...to.dag.flatMap((fn, index) => {
      const before = from.dag.find(({ id }) => id === fn.id);
      const owner = { named: ['dag', fn.id], place: ['dag', index] };
      if (before === undefined) return [addedFunction(owner)];
      return functionDifferences(fn, withoutInherited(compareFunctions(before, fn), flow), owner);
    }),
  ];
}

function flowDifferences(from: Topology, to: Topology): readonly ValueDifference[] {
  const fields = ['namespace', 'jobId', 'mode', 'globalConfig'] as const;
  return fields.flatMap((field) => compareValues(from[field], to[field], [field]));
}

function missingFunctions(from: Topology, to: Topology): readonly UpdateDifference[] {
  return from.dag
    .filter(({ id }) => !to.dag.some((fn) => fn.id === id))
    .map(({ id }) => ({
      path: `dag.${id}`,
      place: ['dag'],
      was: 'a function',
      is: 'nothing',
      message: `the running flow has this function, and the document has not; ${undo}`,
    }));
}

function addedFunction({ named, place }: DifferenceOwner): UpdateDifference {
  const message = `the running flow has no such function; ${undo}`;
  return { path: named.join('.'), place, was: 'nothing', is: 'a function', message };
}

function functionDifferences(
  { id, meta }: FlowFunction,
  { fixed, settings, parallelism, pause }: FunctionComparison,
  owner: DifferenceOwner,
): readonly UpdateDifference[] {
  const refused = fixed.map((difference) => updateDifference(difference, owner, undo));
  if (meta.update) return refused;
  const allow = `"${id}" does not allow updates: add "update: true" to its meta`;
  return [
    ...refused,
    ...[...parallelism, ...settings, ...pause].map((difference) => updateDifference(difference, owner, allow)),
  ];
}

/** Without what a function has from the topology's globalConfig: that is told once, where it is written. */
function withoutInherited(comparison: FunctionComparison, flow: readonly ValueDifference[]): FunctionComparison {
  const told = new Set(flow.map(keyOf));
  const isOwn = (difference: ValueDifference) =>
    !told.has(keyOf(difference)) &&
    !told.has(keyOf({ ...difference, path: ['globalConfig', 'store', ...difference.path] }));
  return {
    ...comparison,
    fixed: comparison.fixed.filter(isOwn),
    settings: comparison.settings.filter(isOwn),
  };
}

function keyOf({ path, was, is }: ValueDifference): string {
  return JSON.stringify([formatPath(path), was ?? null, is ?? null]);
}
