import { upstreamsOf } from '../document/graph';
import { readsKeys } from '../document/keys';
import { Mode, type Topology } from '../document/topology';
import { compareFunctions, isPaused } from './compare-functions';

/** What a valid update changes, as ids of functions in the order of the new document. */
export interface UpdateSummary {
  /** Functions that allow updates and differ in anything. */
  readonly updated: readonly string[];
  /** The updated functions that differ in what their replicas read: image, addresses, credentials, meta. */
  readonly changed: readonly string[];
  /** The updated functions with a different number of replicas. */
  readonly scaled: readonly string[];
  readonly paused: readonly string[];
  readonly resumed: readonly string[];
  /** The updated functions that re-read their input from the first record: `updatePolicy: DropOffset`. */
  readonly dropped: readonly string[];
  /** The updated functions whose running replicas restart: with `restart: true`, scaled readers of records with keys, and in batch mode always. */
  readonly restarted: readonly string[];
  /**
   * All functions that are not restarted. Their pod templates keep the current spec hash, so their replicas keep running;
   * a different image or variable still changes the template, and the cluster restarts them.
   */
  readonly kept: readonly string[];
  /**
   * Functions whose replicas must all have stopped before the new document is applied: they divide the work by the number
   * of replicas, which changes.
   */
  readonly halted: readonly string[];
}

/**
 * Summarizes an update of the running topology `from`. Functions that are not in both topologies are left out. With
 * `isRollback`, every difference counts whether or not the function allows updates, changed functions restart, and none
 * re-reads its input.
 */
export function summarizeUpdate(from: Topology, to: Topology, isRollback = false): UpdateSummary {
  const functions = to.dag.flatMap((fn) => {
    const before = from.dag.find(({ id }) => id === fn.id);
    if (before === undefined) return [];
    const { settings, parallelism, pause, hasOtherControls } = compareFunctions(before, fn);
    const differs = settings.length + parallelism.length + pause.length > 0 || hasOtherControls;
    const isUpdated = (isRollback || fn.meta.update) && differs;
    const isChanged = isUpdated && settings.length > 0;
    const isScaled = isUpdated && parallelism.length > 0;
    const isSource = upstreamsOf(to, fn.id).length === 0;
    const isBatch = to.mode === Mode.Batch;
    // each replica reads the partitions that the number of replicas gives it
    const isDivided = isScaled && readsKeys(to, fn.id);
    const isDropped = isUpdated && !isRollback && fn.meta.updatePolicy === 'DropOffset' && !isSource;
    return {
      id: fn.id,
      isUpdated,
      isChanged,
      isScaled,
      isPaused: isPaused(fn) && !isPaused(before),
      isResumed: isPaused(before) && !isPaused(fn),
      isDropped,
      isRestarted: isBatch
        ? isChanged || isScaled
        : isDivided || (isUpdated && (isRollback ? isChanged : fn.meta.restart)),
      isHalted: isScaled && (isBatch || isSource),
    };
  });
  type Flag = Exclude<keyof (typeof functions)[number], 'id'>;
  const idsOf = (flag: Flag, value = true) => functions.filter((fn) => fn[flag] === value).map(({ id }) => id);
  return {
    updated: idsOf('isUpdated'),
    changed: idsOf('isChanged'),
    scaled: idsOf('isScaled'),
    paused: idsOf('isPaused'),
    resumed: idsOf('isResumed'),
    dropped: idsOf('isDropped'),
    restarted: idsOf('isRestarted'),
    kept: idsOf('isRestarted', false),
    halted: idsOf('isHalted'),
  };
}
