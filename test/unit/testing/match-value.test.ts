import { matchesValue, similarity } from '../../../runtime/testing/match-value';

describe('matchesValue', () => {
  it.each([
    [{ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }, true],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [{ a: 1, b: 2 }, { a: 1 }, false],
    [[1, 2], [2, 1], false],
    [[1], [1, 2], false],
    ['1', 1, false],
    [9007199254740993n, 9007199254740993n, true],
    [5, 5n, true],
    [null, undefined, false],
    [{ $any: true }, { b: 1 }, true],
    [{ a: { $any: true } }, { a: null }, true],
    [{ a: { $any: true } }, {}, false],
    [{ $matches: '^a+$' }, 'aaa', true],
    [{ $matches: '^a+$' }, 'ab', false],
    [{ $matches: '^1' }, 17, true],
    [{ $matches: '.' }, { a: 1 }, false],
  ])('compares %j with %j', (expected, observed, isSame) => {
    expect(matchesValue(expected, observed)).toBe(isSame);
  });
});

test('the more fields agree, the more similar two values are', () => {
  const expected = { id: 1, name: 'eva', place: { city: 'Bonn', zip: 1 } };
  const near = similarity(expected, { id: 1, name: 'eva', place: { city: 'Bonn', zip: 2 } });
  const far = similarity(expected, { id: 2, name: 'eva', place: { city: 'Ulm', zip: 2 } });
  expect(near).toBeGreaterThan(far);
  expect(far).toBeGreaterThan(similarity(expected, { id: 2 }));
});
