import type { SequenceRange } from './ports/bulk-log';

/** The sequences of both, as ascending ranges that neither overlap nor touch. */
export function mergeRanges(one: readonly SequenceRange[], other: readonly SequenceRange[]): readonly SequenceRange[] {
  const merged: [number, number][] = [];
  for (const [first, last] of [...one, ...other].sort((left, right) => left[0] - right[0])) {
    const before = merged.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else merged.push([first, last]);
  }
  return merged;
}

/** Whether a sequence is in one of ascending ranges. */
export function hasSequence(ranges: readonly SequenceRange[], sequence: number): boolean {
  let [low, high] = [0, ranges.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [first, last] = ranges[middle] ?? [0, 0];
    if (sequence < first) high = middle - 1;
    else if (sequence > last) low = middle + 1;
    else return true;
  }
  return false;
}
