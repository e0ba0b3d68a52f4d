import type { EntryNode, StepNode } from '../graph/task-graph';
import type { StepError } from './execution-state';
import { isWait } from './graph-reader';
import type { StepId } from './step-id';

/** A region of the graph while it runs; of a map, once for the map and once for each item. */
export class Region {
  /** Steps that run in the region and in those within. */
  running = 0;
  /** Set when the region has failed: nothing in it starts any more, and it ends with its last running step. */
  failing?: { readonly error?: StepError };
  isSettled = false;
  /** Steps that run in this very region and only wait. */
  readonly waits = new Set<StepId>();
  /** The open regions directly within. */
  private readonly inner = new Set<Region>();

  constructor(
    readonly id: StepId,
    readonly entry: EntryNode,
    /** Items of the nodes in the region. */
    readonly items: readonly number[],
    readonly parent?: Region,
  ) {
    parent?.inner.add(this);
  }

  /** Takes the region out of the one around it. */
  close(): void {
    this.parent?.inner.delete(this);
  }

  /** This region and all open ones within, at any depth. */
  all(): readonly Region[] {
    const found: Region[] = [this];
    for (const region of found) found.push(...region.inner);
    return found;
  }

  /** Whether nothing starts here any more, because this region or one around it has failed or was canceled. */
  get isHeld(): boolean {
    for (let region: Region | undefined = this; region !== undefined; region = region.parent) {
      if (region.failing !== undefined) return true;
    }
    return false;
  }

  begin(id: StepId, node?: StepNode): void {
    if (node !== undefined && isWait(node)) this.waits.add(id);
    this.count(1);
  }

  end(id: StepId): void {
    this.waits.delete(id);
    this.count(-1);
  }

  private count(change: 1 | -1): void {
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
