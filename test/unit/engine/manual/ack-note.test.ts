import { parseAcks, renderAcks } from '../../../../runtime/engine/manual/ack-note';

const of = (stream: string, ...sequences: readonly number[]) => sequences.map((sequence) => ({ stream, sequence }));

test('a note names its messages, in runs', () => {
  const note = renderAcks([...of('a', 7, 5, 6, 90), ...of('b', 1)]);
  expect(note).toBe('a:5+2,2b;b:1');
  expect(parseAcks(note ?? '')).toEqual([
    { stream: 'a', sequences: [5, 6, 7, 90] },
    { stream: 'b', sequences: [1] },
  ]);
});

test('a note of ten thousand messages in a row is short; there is none of too many scattered ones', () => {
  const row = Array.from({ length: 10_000 }, (_, index) => index + 1_000_000);
  const note = renderAcks(of('a', ...row)) ?? '';
  expect(note.length).toBeLessThan(20);
  expect(parseAcks(note)).toEqual([{ stream: 'a', sequences: row }]);
  expect(renderAcks(of('a', ...row.map((sequence) => sequence * 2)))).toBeUndefined();
});

test('what is no note names nothing', () => {
  expect(parseAcks('')).toEqual([]);
  expect(parseAcks('x')).toEqual([]);
  expect(parseAcks('a:?')).toEqual([{ stream: 'a', sequences: [] }]);
});
