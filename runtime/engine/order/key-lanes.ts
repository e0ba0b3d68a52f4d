import type { HeldRecord } from '../held-records';

/** Limits of the records behind failed ones that do not count as held. */
const maxAside = { records: 5_000, bytes: 32 * 1024 * 1024 };

/** The records of one key, oldest first. */
interface Lane {
  readonly name: string;
  readonly records: HeldRecord[];
  readonly ready: Set<HeldRecord>;
  /** The record that may run. */
  open: HeldRecord | undefined;
  /** Records that have run, and wait for their ack. */
  readonly passed: Set<HeldRecord>;
  /** Sequences of records that were given back, and come again. */
  readonly absent: Set<number>;
}

/**
 * Lets the records of one key run one after the other, in the order of their stream; records of other keys pass.
 *
 * L1. A record may run when no record of its key before it is held, or will come again.
 * L2. A record takes its place when it arrives, so that one that is prepared faster does not overtake.
 * L3. Records without a key, and redriven letters, have no order.
 * L4. A record that waits until its function requests its ack lets the next one run. When it has to run again, so has the next
 *     one, after it.
 */
export class KeyLanes {
  private readonly lanes = new Map<string, Lane>();
  /** Lanes with an absent record. */
  private readonly failing = new Set<Lane>();

  /** The record was delivered. */
  arrived(record: HeldRecord): void {
    const name = laneOf(record);
    if (name === undefined) return;
    const lane = this.lanes.get(name) ?? newLane(name);
    this.lanes.set(name, lane);
    const { sequence } = record.delivery;
    this.returns(lane, sequence);
    const at = lane.records.findLastIndex(({ delivery }) => delivery.sequence < sequence) + 1;
    lane.records.splice(at, 0, record);
  }

  /** The record is prepared. True if it may run now; else `ended` returns it when it may. */
  ready(record: HeldRecord): boolean {
    const lane = this.laneWith(record);
    if (lane === undefined) return true;
    lane.ready.add(record);
    return openNext(lane) === record;
  }

  /** Whether records that are prepared wait for this one. */
  isAwaited(record: HeldRecord): boolean {
    const lane = this.laneWith(record);
    return lane !== undefined && firstOf(lane) === record && lane.ready.size > 0;
  }

  /** The record has run, and waits for its ack. Returns the record that may run now (L4). */
  passed(record: HeldRecord): HeldRecord | undefined {
    const lane = this.laneWith(record);
    if (lane?.open !== record) return undefined;
    lane.open = undefined;
    lane.ready.delete(record);
    lane.passed.add(record);
    return openNext(lane);
  }

  /** These records have to run again, or were to run. Returns those that may run now, in their order (L4). */
  again(records: readonly HeldRecord[]): readonly HeldRecord[] {
    const lanes = new Set<Lane>();
    for (const record of records) {
      const lane = this.laneWith(record);
      if (lane === undefined) continue;
      lanes.add(lane);
      if (lane.open === record) lane.open = undefined;
      lane.ready.add(record);
      lane.passed.clear();
    }
    const opened = new Set([...lanes].flatMap((lane) => openNext(lane) ?? []));
    const mayRun = records.filter((record) => opened.delete(record) || this.laneWith(record) === undefined);
    return [...mayRun, ...opened];
  }

  /** The record is settled, or was given back and comes again. Returns the record that may run now. */
  ended(record: HeldRecord, isAcked: boolean): HeldRecord | undefined {
    const lane = this.laneWith(record);
    if (lane === undefined) return undefined;
    lane.records.splice(lane.records.indexOf(record), 1);
    lane.ready.delete(record);
    lane.passed.delete(record);
    if (lane.open === record) lane.open = undefined;
    if (!isAcked) {
      lane.absent.add(record.delivery.sequence);
      this.failing.add(lane);
    }
    return this.next(lane);
  }

  /** A record that was given back does not come again. Returns the record that may run now. */
  gone(input: number, sequence: number): HeldRecord | undefined {
    for (const lane of this.failing) {
      if (!lane.name.startsWith(`${input}:`) || !lane.absent.has(sequence)) continue;
      this.returns(lane, sequence);
      return this.next(lane);
    }
    return undefined;
  }

  /** The records behind those that come again, without those that wait for acks, within limits: they do not keep others from being pulled. */
  get aside(): { readonly records: number; readonly bytes: number } {
    let records = 0;
    let bytes = 0;
    for (const lane of this.failing) {
      for (const record of lane.records) {
        if (lane.passed.has(record)) continue;
        records++;
        bytes += record.bytes;
      }
    }
    return { records: Math.min(records, maxAside.records), bytes: Math.min(bytes, maxAside.bytes) };
  }

  private returns(lane: Lane, sequence: number): void {
    lane.absent.delete(sequence);
    if (lane.absent.size === 0) this.failing.delete(lane);
  }

  private next(lane: Lane): HeldRecord | undefined {
    if (lane.records.length === 0 && lane.absent.size === 0) this.lanes.delete(lane.name);
    return openNext(lane);
  }

  private laneWith(record: HeldRecord): Lane | undefined {
    const name = laneOf(record);
    const lane = name === undefined ? undefined : this.lanes.get(name);
    return lane?.records.includes(record) ? lane : undefined;
  }
}

function newLane(name: string): Lane {
  return { name, records: [], ready: new Set(), open: undefined, passed: new Set(), absent: new Set() };
}

/** Names the order that a record is in; undefined without one (L3). */
export function laneOf({ input, delivery }: HeldRecord): string | undefined {
  return delivery.key === undefined || delivery.redriven !== undefined ? undefined : `${input}:${delivery.key}`;
}

/** The first record that has not run. */
function firstOf({ records, passed }: Lane): HeldRecord | undefined {
  return passed.size === 0 ? records[0] : records.find((record) => !passed.has(record));
}

/** L1 */
function openNext(lane: Lane): HeldRecord | undefined {
  const first = firstOf(lane);
  if (lane.open !== undefined || first === undefined || !lane.ready.has(first)) return undefined;
  for (const sequence of lane.absent) if (sequence < first.delivery.sequence) return undefined;
  lane.open = first;
  return first;
}
