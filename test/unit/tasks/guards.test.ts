import { JsonPathError } from '../../../lib/tasks/guards/json-path';
import { matchesPath, selectValues } from '../../../lib/tasks/guards/match-json-path';
import { parseJsonPath } from '../../../lib/tasks/guards/parse-json-path';
import { fillTemplate } from '../../../lib/tasks/guards/template';

const store = {
  book: [
    { n: 'a', p: 8 },
    { n: 'b', p: 12, tags: ['x', 'y'] },
  ],
  'a b': { "c'd": 1 },
  empty: {},
};

test.each([
  ['$', [store]],
  ['$.book[0].n', ['a']],
  ['$.book[-1].n', ['b']],
  ['$.book[5]', []],
  ['$.book[*].p', [8, 12]],
  ['$.book.*.n', ['a', 'b']],
  ["$['a b'][\"c'd\"]", [1]],
  ['$.book[1].tags[0,1]', ['x', 'y']],
  ['$.book[0:1].n', ['a']],
  ['$.book[::-1].n', ['b', 'a']],
  ['$.book[1:].n', ['b']],
  ['$..p', [8, 12]],
  ['$..tags[*]', ['x', 'y']],
  ['$..[?(@.p > 10)].n', ['b']],
  ['$.book[*][?(@.p > 10)].n', ['b']],
  // a filter tests the value itself, not its children
  ['$.book[?(@.p > 10)]', []],
  ['$[?(@.book)].empty', [{}]],
  ['$.toString', []],
])('%s selects %j', (path, values) => {
  expect([...selectValues(parseJsonPath(path), store)]).toEqual(values);
});

test.each([
  ['$[?(@.status=0)]', { status: 0 }, true],
  ['$[?(@.status==0)]', { status: 1 }, false],
  ['$[?(@.status!=0)]', { status: 1 }, true],
  ['$[?(@.status!=0)]', {}, false],
  ['$[?(@.a)]', { a: false }, true],
  ['$[?(not @.a)]', {}, true],
  ['$[?(@.a > 1)]', { a: '2' }, false],
  ['$[?(@.a >= 1 and @.a <= 3)]', { a: 3 }, true],
  // "or" binds tighter than "and"
  ['$[?(@.a = 1 or @.a = 2 and @.b = 1)]', { a: 1, b: 0 }, false],
  ['$[?((@.a = 1) or (@.a = 2 and @.b = 1))]', { a: 1, b: 0 }, true],
  ['$[?(@.a = "x" && !(@.b = null))]', { a: 'x', b: 1 }, true],
  ['$[?(@.list[*] = 2)]', { list: [1, 2] }, true],
  ['$[?(@.list = $.other)]', { list: [1, { a: 1, b: 2 }], other: [1, { b: 2, a: 1 }] }, true],
  ['$[?(1 < @)]', 2, true],
  ['$[?(@ = true)]', true, true],
  ['$[?(@.x=-1.5e1)]', { x: -15 }, true],
  ["$[?(@.name = 'it\\'s \\u00e9')]", { name: "it's é" }, true],
  ['$.a.b', { a: 1 }, false],
])('%s and %j: %s', (path, input, matches) => {
  expect(matchesPath(parseJsonPath(path), input)).toBe(matches);
});

test.each([
  ['', 0, 'a guard begins with "$", the input of the step'],
  ['$.', 2, 'expected a key or * after the dot, got the end'],
  ['$.a b', 4, 'unexpected "b" after the path'],
  ['$[a]', 2, 'expected a key in quotes, an index, a slice or *, got "a"'],
  ['$[?(@.a = )]', 10, 'expected a path (@.key), text in quotes, a number, true, false or null, got ")"'],
  ['$[?(1)]', 4, 'a value alone is no condition; compare it, as in @.status = 0'],
  ['$[?(@.a = "x)]', 10, 'the text in quotes has no end'],
  ['$[?@.a]', 3, 'expected "(", got "@"'],
  ['$[0:1:0]', 5, 'the step of a slice must not be 0'],
  [`$[?(${'not '.repeat(60)}@)]`, 203, 'nested too deep'],
])('%s is invalid at %i: %s', (path, offset, message) => {
  const attempt = () => parseJsonPath(path);
  expect(attempt).toThrow(new JsonPathError(message, offset));
  try {
    attempt();
  } catch (error) {
    expect((error as JsonPathError).offset).toBe(offset);
  }
});

describe('templates', () => {
  const values = { input: { id: 7, name: 'n', list: [{ a: 'x' }], 'a b': true }, parameters: { env: 'prod' } };

  test.each([
    ['plain {text} {}', 'plain {text} {}'],
    ['my-{input[id]}', 'my-7'],
    ['my-{input["id"]}', 'my-7'],
    ["{input['a b']}", 'true'],
    ['{input[list][0][a]}/{parameters[env]}', 'x/prod'],
    ['{input[list]}', '[{"a":"x"}]'],
    ['{parameters}', '{"env":"prod"}'],
  ])('%s becomes %s', (text, filled) => {
    expect(fillTemplate(text, values)).toBe(filled);
  });

  test.each([
    ['{input[x]}', '{input[x]}: input has no "x"'],
    ['{input[list][1]}', '{input[list][1]}: input.list has no "1"'],
    ['{input[id][x]}', '{input[id][x]}: input.id has no "x"'],
    ['{input[toString]}', '{input[toString]}: input has no "toString"'],
  ])('%s fails: %s', (text, message) => {
    expect(() => fillTemplate(text, values)).toThrow(message);
  });
});
