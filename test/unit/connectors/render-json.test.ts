import { renderJson } from '../../../runtime/connectors/render-json';

test.each([
  ['a long beyond 2^53 in full', { n: 2n ** 60n }, '{"n":1152921504606846976}'],
  ['bytes as base64', { b: Buffer.from('abc') }, '{"b":"YWJj"}'],
  ['NaN and infinities as null', { x: Number.NaN, y: -Infinity }, '{"x":null,"y":null}'],
  ['nested records, arrays and null', { a: [{ b: 'c"' }, null, true] }, '{"a":[{"b":"c\\""},null,true]}'],
  ['a text of several lines on one line', { t: 'one\ntwo' }, '{"t":"one\\ntwo"}'],
  ['no undefined field', { a: undefined, b: 1 }, '{"b":1}'],
  ['an undefined value as null', undefined, 'null'],
])('renders %s', (_, value, json) => {
  expect(renderJson(value)).toBe(json);
});
