import { upstreamsOf } from '../document/graph';
import { Mode, type Topology } from '../document/topology';
import { compareFunctions, isPaused } from './compare-functions';

/** What an update that `checkUpdate` lets through asks for: ids of functions, in the order of the new document. */
export interface UpdateSummary {
  /** Functions that the update is about: they allow it, and anything of them is another than before. */
  readonly updated: readonly string[];
  /** Of those, the ones whose replicas have something else to read: image, addresses, credentials, meta. */
  readonly changed: readonly string[];
  /** The ones with another number of replicas. */
  readonly scaled: readonly string[];
  readonly paused: readonly string[];
  readonly resumed: readonly string[];
  /** The ones that read their input from the first record again: `updatePolicy: DropOffset`. */
  readonly dropped: readonly string[];
  /** The ones whose running replicas start anew: with `restart: true`, or in batch mode anyhow. */
  readonly restarted: readonly string[];
  /**
   * All other functions: their running replicas stay, so their templates keep the hash they have. Another image or
   * variable is another template, and their cluster restarts them all the same.
   */
  readonly kept: readonly string[];
  /**
   * Functions that must have ended everywhere before the new document is applied: those whose replicas share the work by
   * their number, which is another now.
   */
  readonly halted: readonly string[];
}

/**
 * An update against the topology that runs. Functions that are not in both are left out. With `isRollback` every
 * difference counts, whatever the functions allow, and what is changed is restarted; nothing is read anew.
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
    const isDropped = isUpdated && !isRollback && fn.meta.updatePolicy === 'DropOffset' && !isSource;
    return {
      id: fn.id,
      isUpdated,
      isChanged,
      isScaled,
      isPaused: isPaused(fn) && !isPaused(before),
      isResumed: isPaused(before) && !isPaused(fn),
      isDropped,
      isRestarted: isBatch ? isChanged || isScaled : isUpdated && (isRollback ? isChanged : fn.meta.restart),
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
