import { compareLists } from '../../../runtime/testing/compare-lists';

const n = (...numbers: readonly number[]) => numbers.map((value) => ({ n: value }));

describe('compareLists', () => {
  it('takes lists as multisets', () => {
    expect(compareLists(n(1, 2, 2), n(2, 1, 2), { inOrder: false }).isSame).toBe(true);
    expect(compareLists(n(1, 2), n(2, 1, 2), { inOrder: false }).isSame).toBe(false);
    expect(compareLists(n(1, 2, 2), n(2, 1), { inOrder: false }).isSame).toBe(false);
  });

  it('compares positions where the order counts', () => {
    expect(compareLists(n(1, 2), n(1, 2), { inOrder: true }).isSame).toBe(true);
    expect(compareLists(n(1, 2), n(2, 1), { inOrder: true }).pairs).toEqual([
      { expected: { n: 1 }, observed: { n: 2 }, isSame: false },
      { expected: { n: 2 }, observed: { n: 1 }, isSame: false },
    ]);
    expect(compareLists(n(1), [], { inOrder: true }).pairs).toEqual([{ expected: { n: 1 }, isSame: false }]);
  });

  it('compares the positions of items with the same value of a field', () => {
    const item = (key: string, value: number) => ({ key, value });
    const expected = [item('a', 1), item('b', 1), item('a', 2)];
    const options = { inOrder: 'key' };
    expect(compareLists(expected, [item('b', 1), item('a', 1), item('a', 2)], options).isSame).toBe(true);
    expect(compareLists(expected, [item('a', 2), item('a', 1), item('b', 1)], options).isSame).toBe(false);
    expect(compareLists(expected, [item('a', 1), item('a', 2)], options).isSame).toBe(false);
    expect(compareLists(expected, [...expected, item('c', 1)], options).isSame).toBe(false);
  });

  it('pairs what differs with what is most similar, and names what is left', () => {
    const expected = [
      { id: 1, name: 'a' },
      { id: 2, name: 'b' },
    ];
    const observed = [
      { id: 2, name: 'c' },
      { id: 1, name: 'a' },
      { id: 3, name: 'd' },
    ];
    expect(compareLists(expected, observed, { inOrder: false })).toEqual({
      isSame: false,
      pairs: [
        { expected: { id: 1, name: 'a' }, observed: { id: 1, name: 'a' }, isSame: true },
        { expected: { id: 2, name: 'b' }, observed: { id: 2, name: 'c' }, isSame: false },
        { observed: { id: 3, name: 'd' }, isSame: false },
      ],
    });
  });

  it('gives each matcher an item of its own where that is possible, in whatever order they are written', () => {
    const any = { $any: true };
    const expected = [
      { n: any, kind: any },
      { n: any, kind: 'a' },
      { n: 1, kind: any },
    ];
    const observed = [
      { n: 1, kind: 'a' },
      { n: 2, kind: 'a' },
      { n: 3, kind: 'b' },
    ];
    const other = { n: 4, kind: 'b' };
    expect(compareLists(expected, observed, { inOrder: false }).isSame).toBe(true);
    expect(compareLists(expected, [...observed].reverse(), { inOrder: false }).isSame).toBe(true);
    expect(compareLists(expected, [...observed.slice(1), other], { inOrder: false }).isSame).toBe(false);
    const hasFields = (one: unknown, seen: unknown) =>
      Object.entries(one as object).every(([field, value]) => (seen as { [name: string]: unknown })[field] === value);
    const types = [{ type: 'E' }, { type: 'E', message: 'first' }];
    const failures = [
      { type: 'E', message: 'first', attempts: 1 },
      { type: 'E', message: 'second', attempts: 1 },
    ];
    expect(compareLists(types, failures, { inOrder: false, isSame: hasFields }).isSame).toBe(true);
  });

  it('leaves to a matcher what no other item is', () => {
    expect(compareLists([{ n: { $any: true } }, { n: 1 }], n(1, 2), { inOrder: false }).isSame).toBe(true);
  });
});
