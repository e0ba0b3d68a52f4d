import { BulkDecisions, rangesOf, sequencesOf } from '../../../../runtime/engine/sinks/bulk-decisions';

test('ranges stand for the sequences that they were made of', () => {
  expect(rangesOf([1, 2, 3, 7, 9, 10])).toEqual([
    [1, 3],
    [7, 7],
    [9, 10],
  ]);
  expect(sequencesOf(rangesOf([4, 5, 8]))).toEqual([4, 5, 8]);
  expect(rangesOf([])).toEqual([]);
});

test('finds the decision about each record, and none about the others', () => {
  const decisions = new BulkDecisions();
  decisions.add({ number: 1, input: 0, key: 'a', ranges: [[1, 5_000]] });
  decisions.add({
    number: 2,
    input: 0,
    key: 'b',
    ranges: [
      [5_001, 5_002],
      [5_005, 5_005],
    ],
  });
  decisions.add({ number: 3, input: 1, key: 'c', ranges: [[1, 1]] });
  const numberOf = (sequence: number, input = 0) => decisions.of({ input, sequence })?.number;
  expect([1, 1_024, 5_000, 5_001, 5_004, 5_005, 5_006].map((sequence) => numberOf(sequence))).toEqual([
    1,
    1,
    1,
    2,
    undefined,
    2,
    undefined,
  ]);
  expect([numberOf(1, 1), numberOf(2, 1)]).toEqual([3, undefined]);
  decisions.remove(1);
  expect([numberOf(1), numberOf(5_000), numberOf(5_001)]).toEqual([undefined, undefined, 2]);
});

test('replaces a decision by a later state of it', () => {
  const decisions = new BulkDecisions();
  decisions.add({ number: 1, input: 0, key: 'a', ranges: [[1, 2]] });
  decisions.add({ number: 1, input: 0, key: 'a', ranges: [[1, 2]], writtenIn: 0 });
  expect(decisions.of({ input: 0, sequence: 2 })).toMatchObject({ writtenIn: 0 });
});
