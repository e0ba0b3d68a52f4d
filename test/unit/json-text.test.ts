import { jsonText } from '../../lib/json-text';

test.each([
  ['progress.of[1].share', { of: [1, { share: Number.NaN }] }, 'NaN'],
  ['progress', Number.NEGATIVE_INFINITY, '-Infinity'],
  ['progress[1]', [1, undefined], 'undefined'],
  ['progress', Symbol('s'), 'Symbol(s)'],
  ['progress.a[0]', { a: [Symbol('s')] }, 'Symbol(s)'],
])('%s is refused, which JSON would make null', (place, value, shown) => {
  expect(() => jsonText('progress', value)).toThrow(`${place}: want JSON, got ${shown}`);
});

test('a bigint is refused', () => {
  expect(() => jsonText('output', { a: 1n })).toThrow(/^output: want JSON: .*BigInt/);
});

test.each([
  [null, 'null'],
  [{ a: null, b: undefined, c: 'null' }, '{"a":null,"c":"null"}'],
  [[new Date(0), null], '["1970-01-01T00:00:00.000Z",null]'],
])('%j is its JSON', (value, text) => {
  expect(jsonText('output', value)).toBe(text);
});
