import type { EntryNode } from '../graph/task-graph';
import type { StepError } from './execution-state';
import type { StepId } from './step-id';

/** A region of the graph while it runs; of a map, once for the map and once for each item. */
export class Region {
  /** Steps that run in the region and in those within. */
  running = 0;
  /** Set when the region has failed: nothing in it starts any more, and it ends with its last running step. */
  failing?: { readonly error?: StepError };
  isSettled = false;

  constructor(
    readonly id: StepId,
    readonly entry: EntryNode,
    /** Items of the nodes in the region. */
    readonly items: readonly number[],
    readonly parent?: Region,
  ) {}

  /** Whether nothing starts here any more, because this region or one around it has failed or was canceled. */
  get isHeld(): boolean {
    for (let region: Region | undefined = this; region !== undefined; region = region.parent) {
      if (region.failing !== undefined) return true;
    }
    return false;
  }

  isWithin(other: Region): boolean {
    for (let region: Region | undefined = this; region !== undefined; region = region.parent) {
      if (region === other) return true;
    }
    return false;
  }

  count(change: 1 | -1): void {
    for (let region: Region | undefined = this; region !== undefined; region = region.parent) region.running += change;
  }
}

/** A map while it runs. Its items have regions of their own within. */
export class MapRegion extends Region {
  next = 0;
  active = 0;
  failures = 0;
}

/** One item of a map. */
export class ItemRegion extends Region {}
