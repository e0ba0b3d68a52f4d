import { KeyPattern } from '../../../../lib/topology/function-types/key-pattern';
import { Random, seed } from '../../../support/random';

test.each([
  ['*.txt', ['a.txt', '.txt'], ['a/b.txt', 'a.txt2', 'atxt']],
  ['*/a*.txt', ['sub/a1.txt', 'x/a.txt', '/a.txt'], ['a1.txt', 'sub/b1.txt', 'sub/deep/a1.txt']],
  ['day-?/x', ['day-1/x', 'day-é/x', 'day-😀/x', 'day-?/x'], ['day-/x', 'day-12/x', 'day-//x']],
  ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b', 'a//b'], ['ab', 'a/xb', 'a/b/c', 'xa/b']],
  ['**/b', ['b', 'x/b', 'x/y/b'], ['ab', 'x/ab', 'b/c']],
  ['**/*.gz', ['x.gz', 'a/b/x.gz'], ['x.gz/y']],
  ['a/**', ['a/', 'a/b', 'a/b/c'], ['a', 'ab/c']],
  ['a**b', ['ab', 'axb', 'a/x/b'], ['a', 'abc']],
  ['a/**/**/b', ['a/b', 'a/x/b'], ['ab']],
  ['***', ['', 'a', 'a/b'], []],
  ['', [''], ['a']],
  ['\\*\\?\\\\', ['*?\\'], ['ab\\', '*?']],
  ['back\\slash', ['back\\slash'], ['backslash']],
  ['{a,b}[c-d]', ['{a,b}[c-d]'], ['ac', 'bd']],
  ['a b+c%20(1)^$.|', ['a b+c%20(1)^$.|'], ['a b+c (1)^$.|', 'a b+c%20(1)^$x|']],
])('%s matches whole keys', (text, matching, others) => {
  const pattern = new KeyPattern(text);
  expect(matching.filter((key) => !pattern.matches(key))).toEqual([]);
  expect(others.filter((key) => pattern.matches(key))).toEqual([]);
});

test.each([
  ['in/*/a*.txt', 'in/'],
  ['in/a?', 'in/a'],
  ['in\\*/b*', 'in*/b'],
  ['plain', 'plain'],
  ['**/x', ''],
])('%s lists below the fixed prefix "%s"', (text, prefix) => {
  expect(new KeyPattern(text).prefix).toBe(prefix);
});

test('matches what a regular expression matches', () => {
  const random = new Random(seed);
  const pick = (parts: readonly string[]) => Array.from({ length: random.upTo(7) }, () => random.oneOf(parts)).join('');
  let matches = 0;
  for (let round = 0; round < 5_000; round++) {
    const text = pick(['a', 'b', '/', '*', '?', '**', '**/', '\\*']);
    const key = pick(['a', 'b', '/', '*']);
    const expected = regularExpressionOf(text).test(key);
    if (expected) matches++;
    expect({ text, key, matches: new KeyPattern(text).matches(key) }).toEqual({ text, key, matches: expected });
  }
  expect(matches).toBeGreaterThan(100);
});

test('takes no exponential time', () => {
  const pattern = new KeyPattern(`${'*a**'.repeat(40)}b`);
  expect(pattern.matches('a'.repeat(1_024))).toBe(false);
});

function regularExpressionOf(text: string): RegExp {
  const source = text.replace(/\\([*?\\])|(?<=^|\/|\*\*\/)\*\*+\/|\*\*+|\*|\?|[^a-z/]/g, (part, escaped?: string) => {
    if (escaped !== undefined) return `\\${escaped}`;
    if (/^\*\*+\/$/.test(part)) return '(?:.*/)?';
    if (part.startsWith('**')) return '.*';
    return part === '*' ? '[^/]*' : part === '?' ? '[^/]' : `\\${part}`;
  });
  return new RegExp(`^${source}$`, 's');
}
