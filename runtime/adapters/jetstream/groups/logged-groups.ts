import type { SequenceRange } from '../../../engine/ports/bulk-log';
import { hasSequence, mergeRanges } from '../../../engine/sequence-ranges';
import { rangesOf } from '../../../engine/sinks/bulk-decisions';

/** Sequences by origin: the writer of a record's outputs, and its stream. */
export type RecordsByOrigin = { readonly [origin: string]: readonly SequenceRange[] };

/** Groups that were written together, some of whose outputs may be missing. */
export interface OpenGroups {
  /** Names them, and the keys of their outputs. */
  readonly token: string;
  readonly records: RecordsByOrigin;
  /** Their outputs are not older than this, ms since 1970. */
  readonly sinceMs: number;
  /** Number of keys that hold their outputs. */
  readonly chunks: number;
}

/** What the log of a function says. */
export interface LogContent {
  readonly open: readonly OpenGroups[];
  /** The records of groups whose outputs are all stored. */
  readonly stored: RecordsByOrigin;
  /** By origin: records up to here are acked, and in `stored` no more. */
  readonly floors: { readonly [origin: string]: number };
}

export const emptyLog: LogContent = { open: [], stored: {}, floors: {} };

/** A record of a group. */
export interface LoggedRecord {
  readonly origin: string;
  readonly sequence: number;
  /** A letter that is processed again: floors say nothing about it. */
  readonly isRedriven: boolean;
}

/**
 * Where a record is: in groups that may be incomplete, or in one whose outputs are stored. One up to a floor was acked, so what it
 * had is stored: a server that was killed may have forgotten the ack.
 */
export function placeOf({ open, stored, floors }: LogContent, record: LoggedRecord): OpenGroups | 'stored' | undefined {
  const { origin, sequence, isRedriven } = record;
  const isIn = ({ [origin]: ranges }: RecordsByOrigin) => ranges !== undefined && hasSequence(ranges, sequence);
  const group = open.find(({ records }) => isIn(records));
  if (group !== undefined) return group;
  const wasAcked = !isRedriven && sequence <= (floors[origin] ?? 0);
  return wasAcked || isIn(stored) ? 'stored' : undefined;
}

/** Whether a record may not be in another group. */
export function isTaken(content: LogContent, record: LoggedRecord): boolean {
  return placeOf(content, record) !== undefined;
}

export function recordsByOrigin(records: readonly LoggedRecord[]): RecordsByOrigin {
  const sequences = new Map<string, number[]>();
  for (const { origin, sequence } of records) {
    const known = sequences.get(origin);
    if (known === undefined) sequences.set(origin, [sequence]);
    else known.push(sequence);
  }
  const ranges = [...sequences].map(([origin, own]) => [origin, rangesOf(own.sort((one, other) => one - other))]);
  return Object.fromEntries(ranges);
}

/** The content after all outputs of some groups are stored. */
export function withStored(content: LogContent, tokens: ReadonlySet<string>): LogContent {
  const done = content.open.filter(({ token }) => tokens.has(token));
  if (done.length === 0) return content;
  const stored = { ...content.stored };
  for (const { records } of done) {
    for (const [origin, ranges] of Object.entries(records)) stored[origin] = mergeRanges(stored[origin] ?? [], ranges);
  }
  return { ...content, open: content.open.filter(({ token }) => !tokens.has(token)), stored };
}

/** The content without the records up to ack floors. */
export function withFloors(content: LogContent, floors: ReadonlyMap<string, number>): LogContent {
  const stored = { ...content.stored };
  for (const [origin, floor] of floors) stored[origin] = (stored[origin] ?? []).filter(([, last]) => last > floor);
  return { ...content, stored, floors: { ...content.floors, ...Object.fromEntries(floors) } };
}

export function rangeCount({ stored }: LogContent): number {
  return Object.values(stored).reduce((count, ranges) => count + ranges.length, 0);
}
