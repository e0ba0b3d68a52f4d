import { isPlainMap, type PlainMap } from '../../plain-map';
import { findMetaSetting, type MetaSetting, metaSettings } from '../document/meta-setting';
import type { FlowFunction, FunctionMeta } from '../document/topology';
import type { DocumentPath } from '../problem/document-path';
import { compareValues, type ValueDifference } from './compare-values';

/** Fields that an update may change, beside `meta`. A secret stands for user and password. */
const updateableFields = [
  'image',
  'imagePullPolicy',
  'topics',
  'parallelism',
  'addr',
  'user',
  'password',
  'secret',
] as const;

const fixedFields = ['type', 'schema', 'format', 'groupId', 'partitionBy', 'globalConfig'] as const;

/** What tells an update what to do, and is nothing that a function reads. */
const controls = ['update', 'pause', 'updatePolicy', 'restart'] as const;

/** Settings that are passed on as they are written. */
const passedOn: readonly MetaSetting[] = ['nats.conn.options', 'nats.js.options'];

/** How one function differs between two topologies. Paths are those below the function. */
export interface FunctionComparison {
  /** What no update may change; a schema with its inner path. */
  readonly fixed: readonly ValueDifference[];
  /** What an update may change, as its replicas read it: all but how many they are. */
  readonly settings: readonly ValueDifference[];
  readonly parallelism: readonly ValueDifference[];
  /** It was asked to pause and is not now, or the other way round. */
  readonly pause: readonly ValueDifference[];
  /** What tells the update what to do is another. */
  readonly hasOtherControls: boolean;
}

export function compareFunctions(from: FlowFunction, to: FlowFunction): FunctionComparison {
  const changed = updateableFields.flatMap((field) => compareValues(from[field], to[field], [field]));
  const isParallelism = ({ path }: ValueDifference) => path[0] === 'parallelism';
  return {
    fixed: [
      ...fixedFields.flatMap((field) => compareValues(from[field], to[field], [field])),
      ...compareValues(edgesOf(from), edgesOf(to)),
    ],
    settings: [
      ...changed.filter((difference) => !isParallelism(difference)),
      ...compareValues(settingsOf(from.meta), settingsOf(to.meta), ['meta']),
    ],
    parallelism: changed.filter(isParallelism),
    pause: comparePauses(from.meta, to.meta),
    hasOtherControls: controls.some((name) => from.meta[name] !== to.meta[name]),
  };
}

/** Whether a function does not run: a pause counts only where an update may make it. */
export function isPaused({ meta }: FlowFunction): boolean {
  return meta.update && meta.pause;
}

function comparePauses(from: FunctionMeta, to: FunctionMeta): readonly ValueDifference[] {
  const [was, is] = [from.update && from.pause, to.update && to.pause];
  if (was === is && from.pause === to.pause) return [];
  return [{ path: ['meta', 'pause'], was, is: was === is ? to.pause : is }];
}

/** Who reads each output, and the schemas of the side outputs; the order in which they are written means nothing. */
function edgesOf({ out, sideOuts }: FlowFunction): PlainMap {
  const readers = (ids: readonly string[]) => [...new Set(ids)].sort().join(', ');
  const sides = sideOuts.map((side) => [side.id, { schema: side.schema, out: readers(side.out) }]);
  return { out: readers(out), sideOuts: Object.fromEntries(sides) };
}

/** The settings of a `meta` by their names in the document, defaults filled in, and the user's own keys. */
function settingsOf(meta: FunctionMeta): PlainMap {
  const { maxPollIntervalMs, downloadDirectory, bulk, own, ...named } = meta;
  const { update: _update, pause: _pause, updatePolicy: _policy, restart: _restart, ...settings } = named;
  return {
    ...settings,
    'max.poll.interval.ms': maxPollIntervalMs,
    'download.directory': downloadDirectory,
    'bulk.flush.timer': bulk?.flushTimerMs,
    'bulk.flush.size': bulk?.flushSize,
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

/** The map without one value, and without the maps around it that hold nothing else. */
function without(map: PlainMap, [step, ...below]: DocumentPath): PlainMap {
  const { [String(step)]: inner, ...others } = map;
  if (below.length === 0 || !isPlainMap(inner)) return others;
  const kept = without(inner, below);
  return Object.keys(kept).length === 0 ? others : { ...others, [String(step)]: kept };
}
