import { decodeOutputs, encodeOutputs, piecesOf } from '../../../../../runtime/adapters/jetstream/groups/group-outputs';
import {
  emptyLog,
  isTaken,
  placeOf,
  recordsByOrigin,
  withFloors,
  withStored,
} from '../../../../../runtime/adapters/jetstream/groups/logged-groups';

const record = (sequence: number, isRedriven = false) => ({ origin: 'map:in', sequence, isRedriven });
const open = (token: string, ...sequences: number[]) => ({
  token,
  records: recordsByOrigin(sequences.map((sequence) => record(sequence))),
  sinceMs: 0,
  chunks: 1,
});

test('records of groups are found, before and after all of their outputs are stored', () => {
  const content = { ...emptyLog, open: [open('a', 3, 1, 2), open('b', 5)] };
  expect([placeOf(content, record(2)), placeOf(content, record(4))]).toEqual([content.open[0], undefined]);
  const after = withStored(content, new Set(['a']));
  expect([placeOf(after, record(2)), placeOf(after, record(5))]).toEqual(['stored', content.open[1]]);
  expect(after.stored).toEqual({ 'map:in': [[1, 3]] });
  expect(placeOf(after, { ...record(2), origin: 'map@2:in' })).toBeUndefined();
});

test('records up to an ack floor are dropped, and in no other group; a letter may be', () => {
  const content = withStored({ ...emptyLog, open: [open('a', 1, 2, 8, 9)] }, new Set(['a']));
  const after = withFloors(content, new Map([['map:in', 4]]));
  expect(after.stored).toEqual({ 'map:in': [[8, 9]] });
  expect([isTaken(after, record(4)), isTaken(after, record(5)), isTaken(after, record(9))]).toEqual([
    true,
    false,
    true,
  ]);
  expect(isTaken(after, record(3, true))).toBe(false);
});

test('a record up to an ack floor that is delivered again was acked, and is stored', () => {
  const content = { ...emptyLog, open: [open('a', 3)], floors: { 'map:in': 4 } };
  expect([placeOf(content, record(2)), placeOf(content, record(3)), placeOf(content, record(5))]).toEqual([
    'stored',
    content.open[0],
    undefined,
  ]);
  expect(placeOf(content, record(2, true))).toBeUndefined();
});

test('outputs are the same after they were stored in pieces', () => {
  const outputs = ['map:in:1:0', 'map:in:1:1', 'map:in:10:0'].map((id, n) => ({
    id,
    payload: Buffer.alloc(n * 7, n),
    ...(n === 1 ? { trace: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'vendor=1' } } : {}),
  }));
  const pieces = piecesOf(encodeOutputs(outputs), 10);
  expect(pieces.every(({ length }) => length <= 10)).toBe(true);
  expect(decodeOutputs(Buffer.concat(pieces))).toEqual(outputs);
  expect(decodeOutputs(encodeOutputs([]))).toEqual([]);
});
