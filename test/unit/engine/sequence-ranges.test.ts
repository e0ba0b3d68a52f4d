import { hasSequence, mergeRanges } from '../../../runtime/engine/sequence-ranges';
import { rangesOf, sequencesOf } from '../../../runtime/engine/sinks/bulk-decisions';
import { Random, seed } from '../../support/random';

test('ranges that overlap or touch are one', () => {
  expect(
    mergeRanges(
      [
        [1, 3],
        [8, 9],
      ],
      [
        [4, 4],
        [6, 6],
        [9, 12],
      ],
    ),
  ).toEqual([
    [1, 4],
    [6, 6],
    [8, 12],
  ]);
});

test('merged ranges have the sequences of both, and no others', () => {
  const random = new Random(seed);
  const some = () => [...new Set(Array.from({ length: 30 }, () => random.upTo(80)))].sort((one, other) => one - other);
  for (let round = 0; round < 200; round++) {
    const [one, other] = [some(), some()];
    const merged = mergeRanges(rangesOf(one), rangesOf(other));
    const both = [...new Set([...one, ...other])].sort((left, right) => left - right);
    expect(sequencesOf(merged)).toEqual(both);
    for (let sequence = 0; sequence <= 81; sequence++) {
      expect(hasSequence(merged, sequence)).toBe(both.includes(sequence));
    }
  }
});
