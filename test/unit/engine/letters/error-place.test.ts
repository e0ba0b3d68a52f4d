import { placeOf } from '../../../../runtime/engine/letters/error-place';
import { indexesOf, rangesOf } from '../../../../runtime/engine/letters/index-set';

test.each([
  [
    'the innermost frame of Python',
    'Traceback\n  File "/a/code.py", line 3, in run\n    deep()\n  File "/a/lib.py", line 9, in deep\n    raise E\nE: no',
    'deep (lib.py:9)',
  ],
  [
    'the innermost frame of JavaScript',
    'RangeError: no\n    at deep (/a/code.js:9:11)\n    at run (/a/code.js:3:5)',
    'deep (code.js:9)',
  ],
  ['a frame without a function', 'Error: no\n    at /a/code.js:4:1', 'code.js:4'],
  ['a frame of an async function', 'Error: no\n    at async run (file:///a/code.ts:12:3)', 'run (code.ts:12)'],
])('an error was raised in %s', (_, trace, place) => {
  expect(placeOf(trace)).toBe(place);
});

test('an error without a traceback, or without a frame, has no place', () => {
  expect(placeOf(undefined)).toBeUndefined();
  expect(placeOf('ValueError: no')).toBeUndefined();
});

test('ranges name the indexes that they were made of', () => {
  expect(rangesOf([5, 0, 1, 2, 2])).toBe('0-2,5');
  expect([...indexesOf('0-2,5')]).toEqual([0, 1, 2, 5]);
  expect(rangesOf([])).toBe('');
  expect(indexesOf('').size).toBe(0);
});
