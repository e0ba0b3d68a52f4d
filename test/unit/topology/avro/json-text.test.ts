import { parseDocument } from 'yaml';
import { childrenOf } from '../../../../lib/plain-map';
import { jsonFault, jsonOffsets } from '../../../../lib/topology/avro/json-text';

type Path = readonly (string | number)[];

const valid: readonly string[] = [
  '"text"',
  ' [1, "a", null]\n',
  '\n\n{"a": {"b": [{"c": true}, [], {}]}, "d": 1}',
  '{\n\t"tabs": [\n\t\t1,\t2\n\t]\r\n}',
  '{"a"\r:\r1,\r"b":\r[2]}',
  '{"a"\n:\n{"b"\n:[[1],["k"],\n[-1.5e+3]]}}',
  '{"slash\\/": 1, "\\ud83d\\ude00": {"q\\"": 2}, "\\u0061": 3}',
  '{"# no comment": 1, "- no: item": {"<<": 2}, "&no *alias": [3], "---": 4}',
  '{"big": 12345678901234567890, "é😀\u2028": [1e400]}',
  `{"${'k'.repeat(2000)}": {"a": 1}}`,
  '{"": {"": 1}}',
];

describe('the offset of a value in JSON text', () => {
  test.each(valid)('is the start of its text: %j', (text) => {
    const offsetOf = jsonOffsets(text);
    for (const { path, value } of valuesOf(JSON.parse(text))) {
      expect(valueFrom(text, offsetOf(path))).toEqual(value);
    }
  });

  test('is that of the last value if a key is repeated, as in JSON.parse', () => {
    expect(jsonOffsets('{"a": [1], "a": [2]}')(['a', 0])).toBe(17);
  });

  test('is that of the innermost enclosing value if the path does not exist', () => {
    const offsetOf = jsonOffsets(' {"a": [1]}');
    expect([offsetOf(['b']), offsetOf(['a', 4]), offsetOf(['a', 0, 'c'])]).toEqual([1, 7, 8]);
  });

  test('is found at any depth of nesting', () => {
    const depth = 20_000;
    const path = new Array<number>(depth - 1).fill(0);
    expect(jsonOffsets('['.repeat(depth) + ']'.repeat(depth))(path)).toBe(depth - 1);
  });
});

const broken = 'the string is not closed or contains a character that JSON forbids';

const invalid: readonly (readonly [string, number, string])[] = [
  ['', 0, 'expected a value, got the end of the text'],
  ['{"a": }', 6, 'expected a value, got "}"'],
  ['{"a": 1,}', 8, 'expected a key in double quotes, got "}"'],
  ['[1, ]', 4, 'expected a value, got "]"'],
  ['[1 2]', 3, 'expected "," or "]", got "2"'],
  ['{"a": 1 "b": 2}', 8, 'expected "," or "}", got """'],
  ['{"a" 1}', 5, 'expected ":" after the key, got "1"'],
  ['[1}', 2, 'expected "," or "]", got "}"'],
  ['{} x', 3, 'expected the end of the text, got "x"'],
  ['{}}', 2, 'expected the end of the text, got "}"'],
  ['{"a": "b', 6, broken],
  ['{"a\nb": 1}', 1, broken],
  ['["\\x"]', 1, broken],
  ["{'a': 1}", 1, 'expected a key in double quotes, got "\'"'],
  ['[01]', 1, 'expected a value, got "0"'],
  ['[tru]', 1, 'expected a value, got "t"'],
  ['[', 1, 'expected a value, got the end of the text'],
];

describe('a fault of JSON text', () => {
  test.each(invalid)('is at the first character that JSON does not allow: %j', (text, offset, message) => {
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
    expect(jsonFault(text)).toEqual({ offset, message });
  });

  test.each(["{'a': 1}", '{a: 1}', '[1, ]', '[1] # a comment', '[tru]'])(
    'is found even if the text is valid YAML: %j',
    (text) => {
      expect(parseDocument(text).errors).toEqual([]);
      expect(jsonFault(text)).toBeDefined();
    },
  );

  test.each(valid)('is not reported for valid JSON: %j', (text) => {
    expect(jsonFault(text)).toBeUndefined();
  });

  test('is found behind more open brackets than a recursive parser could handle', () => {
    expect(jsonFault('['.repeat(100_000))).toHaveProperty('offset', 100_000);
  });
});

function valuesOf(value: unknown, path: Path = []): readonly { readonly path: Path; readonly value: unknown }[] {
  return [{ path, value }, ...childrenOf(value).flatMap(([step, inner]) => valuesOf(inner, [...path, step]))];
}

/** The JSON value at an offset: the shortest valid JSON text that ends at a delimiter. */
function valueFrom(text: string, offset: number): unknown {
  for (let end = offset + 1; end <= text.length; end += 1) {
    if (end < text.length && !/[\s,:\]}]/.test(text.charAt(end))) continue;
    try {
      return JSON.parse(text.slice(offset, end)) as unknown;
    } catch {
      // the value is longer
    }
  }
  return undefined;
}
