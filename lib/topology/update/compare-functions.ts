import { isDeepStrictEqual } from 'node:util';
import { isPlainMap, type PlainMap } from '../../plain-map';
import { findMetaSetting, type MetaSetting, metaSettings } from '../document/meta-setting';
import type { FlowFunction, FunctionMeta } from '../document/topology';
import type { DocumentPath } from '../problem/problem';

/**
 * How an update treats each field of a function. `updatable` fields may change where the function allows updates, `fixed`
 * fields may not. The `compared` ones have a comparison of their own below, and `id` identifies the functions to compare.
 */
const fieldRules = {
  type: 'fixed',
  schema: 'fixed',
  format: 'fixed',
  groupId: 'fixed',
  partitionBy: 'fixed',
  globalConfig: 'fixed',
  image: 'updatable',
  imagePullPolicy: 'updatable',
  tasks: 'updatable',
  topics: 'updatable',
  addr: 'updatable',
  user: 'updatable',
  password: 'updatable',
  secret: 'updatable',
  sessionToken: 'updatable',
  secretKeys: 'updatable',
  auth: 'updatable',
  region: 'updatable',
  ca: 'updatable',
  pathStyle: 'updatable',
  parallelism: 'compared',
  out: 'compared',
  sideOuts: 'compared',
  meta: 'compared',
  id: 'compared',
} as const satisfies { readonly [field in keyof FlowFunction]-?: 'fixed' | 'updatable' | 'compared' };

/** Settings that control the update itself; the function's replicas do not read them. */
const controls = ['update', 'pause', 'updatePolicy', 'restart'] as const;

/** Settings that are passed on as written. */
const passedOn: readonly MetaSetting[] = ['nats.conn.options', 'nats.js.options'];

/** How one function differs between two topologies. Paths start below the function. */
export interface FunctionComparison {
  /** Differences that no update may make; in a schema, each with its inner path. */
  readonly fixed: readonly ValueDifference[];
  /** Differences that an update may make, in what the replicas read. */
  readonly settings: readonly ValueDifference[];
  readonly parallelism: readonly ValueDifference[];
  /** Present when the update pauses or resumes the function. */
  readonly pause: readonly ValueDifference[];
  /** Whether a setting that controls the update differs. */
  readonly hasOtherControls: boolean;
}

export function compareFunctions(from: FlowFunction, to: FlowFunction): FunctionComparison {
  const compare = (field: keyof FlowFunction) => compareValues(from[field], to[field], [field]);
  return {
    fixed: [...fieldsWith('fixed').flatMap(compare), ...compareValues(edgesOf(from), edgesOf(to))],
    settings: [
      ...fieldsWith('updatable').flatMap(compare),
      ...compareValues(settingsOf(from.meta), settingsOf(to.meta), ['meta']),
    ],
    parallelism: compare('parallelism'),
    pause: comparePauses(from.meta, to.meta),
    hasOtherControls: controls.some((name) => from.meta[name] !== to.meta[name]),
  };
}

function fieldsWith(rule: 'fixed' | 'updatable'): readonly (keyof FlowFunction)[] {
  return (Object.keys(fieldRules) as (keyof FlowFunction)[]).filter((field) => fieldRules[field] === rule);
}

/** Whether a function is paused. `pause` takes effect only in functions that allow updates. */
export function isPaused({ meta }: FlowFunction): boolean {
  return meta.update && meta.pause;
}

function comparePauses(from: FunctionMeta, to: FunctionMeta): readonly ValueDifference[] {
  const [was, is] = [from.update && from.pause, to.update && to.pause];
  if (was === is && from.pause === to.pause) return [];
  return [{ path: ['meta', 'pause'], was, is: was === is ? to.pause : is }];
}

/** The readers of each output and the schemas of the side outputs, independent of the order in the document. */
function edgesOf({ out, sideOuts }: FlowFunction): PlainMap {
  const readers = (ids: readonly string[]) => [...new Set(ids)].sort().join(', ');
  const sides = sideOuts.map((side) => [side.id, { schema: side.schema, out: readers(side.out) }]);
  return { out: readers(out), sideOuts: Object.fromEntries(sides) };
}

/** The settings of a `meta` by their names in the document, with defaults filled in, and the user's own keys. */
function settingsOf(meta: FunctionMeta): PlainMap {
  const { maxPollIntervalMs, downloadDirectory, bulk, own, ...named } = meta;
  const { update: _update, pause: _pause, updatePolicy: _policy, restart: _restart, ...settings } = named;
  return {
    ...settings,
    'max.poll.interval.ms': maxPollIntervalMs,
    'download.directory': downloadDirectory,
    'bulk.flush.timer': bulk?.flushTimerMs,
    'bulk.flush.size': bulk?.flushSize,
    'bulk.flush.bytes': bulk?.flushBytes,
    ...ownKeys(own),
  };
}

function ownKeys(own: PlainMap): PlainMap {
  let rest = own;
  for (const name of Object.keys(metaSettings) as MetaSetting[]) {
    if (passedOn.includes(name)) continue;
    for (let found = findMetaSetting(rest, name); found !== undefined; found = findMetaSetting(rest, name)) {
      rest = without(rest, found.path);
    }
  }
  return rest;
}

/** The map without one value, and without maps that become empty. */
function without(map: PlainMap, [step, ...below]: DocumentPath): PlainMap {
  const { [String(step)]: inner, ...others } = map;
  if (below.length === 0 || !isPlainMap(inner)) return others;
  const kept = without(inner, below);
  return Object.keys(kept).length === 0 ? others : { ...others, [String(step)]: kept };
}

/** A value that differs between two documents; undefined in a document that does not have it. */
export interface ValueDifference {
  readonly path: DocumentPath;
  readonly was: unknown;
  readonly is: unknown;
}

/** The innermost values that differ, in the order of their keys. Lists of different length differ as a whole. */
export function compareValues(was: unknown, is: unknown, path: DocumentPath = []): readonly ValueDifference[] {
  if (isPlainMap(was) && isPlainMap(is)) {
    const keys = new Set([...Object.keys(was), ...Object.keys(is)]);
    return [...keys].flatMap((key) => compareValues(was[key], is[key], [...path, key]));
  }
  if (Array.isArray(was) && Array.isArray(is) && was.length === is.length) {
    return was.flatMap((item: unknown, index) => compareValues(item, is[index], [...path, index]));
  }
  return isDeepStrictEqual(was, is) ? [] : [{ path, was, is }];
}
