import type { FlowFunction, Topology } from '../document/topology';
import { formatPath } from '../problem/problem';
import { compareFunctions, compareValues, type FunctionComparison, type ValueDifference } from './compare-functions';
import { type DifferenceOwner, type UpdateDifference, updateDifference } from './update-difference';

const undo = 'an update cannot change this: revert it, or delete the flow and submit this document again';

/**
 * Every difference that prevents `to` from being an update of the running topology `from`; empty when `to` is a valid
 * update. An update has the same functions with the same outputs. Functions with `update: true` may differ in image,
 * imagePullPolicy, topics, parallelism, addr, user, password, secret and meta. The order of functions and
 * explicit default values make no difference.
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

/** Fields of the flow that no update may change. The others are compared function by function. */
const flowFields = {
  namespace: true,
  jobId: true,
  mode: true,
  globalConfig: true,
  run: false,
  container: false,
  parallelism: false,
  dag: false,
} as const satisfies { readonly [field in keyof Topology]-?: boolean };

function flowDifferences(from: Topology, to: Topology): readonly ValueDifference[] {
  const fields = (Object.keys(flowFields) as (keyof Topology)[]).filter((field) => flowFields[field]);
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
      message: `the running flow has this function and the document does not; ${undo}`,
    }));
}

function addedFunction({ named, place }: DifferenceOwner): UpdateDifference {
  const message = `the running flow does not have this function; ${undo}`;
  return { path: named.join('.'), place, was: 'nothing', is: 'a function', message };
}

function functionDifferences(
  { id, meta }: FlowFunction,
  { fixed, settings, parallelism, pause }: FunctionComparison,
  owner: DifferenceOwner,
): readonly UpdateDifference[] {
  const refused = fixed.map((difference) => updateDifference(difference, owner, undo));
  if (meta.update) return refused;
  const allow = `"${id}" does not allow updates; add "update: true" to its meta`;
  return [
    ...refused,
    ...[...parallelism, ...settings, ...pause].map((difference) => updateDifference(difference, owner, allow)),
  ];
}

/** Without the differences that a function inherits from `globalConfig`: they are reported once, for the flow. */
function withoutInherited(comparison: FunctionComparison, flow: readonly ValueDifference[]): FunctionComparison {
  const inherited = new Set(flow.map(keyOf));
  const isOwn = (difference: ValueDifference) =>
    !inherited.has(keyOf(difference)) &&
    !inherited.has(keyOf({ ...difference, path: ['globalConfig', 'store', ...difference.path] }));
  return {
    ...comparison,
    fixed: comparison.fixed.filter(isOwn),
    settings: comparison.settings.filter(isOwn),
  };
}

function keyOf({ path, was, is }: ValueDifference): string {
  return JSON.stringify([formatPath(path), was ?? null, is ?? null]);
}
