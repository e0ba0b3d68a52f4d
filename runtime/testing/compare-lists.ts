import { hasMatcher, matchesValue, similarity } from './match-value';

/** An expected item and the observed one that stands for it. */
export interface Pair {
  readonly expected?: unknown;
  readonly observed?: unknown;
  readonly isSame: boolean;
}

/** Two lists side by side: first the expected items in their order, then observed ones that nothing expects. */
export interface ListComparison {
  readonly isSame: boolean;
  readonly pairs: readonly Pair[];
}

export interface CompareOptions {
  /** The items must come in the expected order; with the name of a field, those with the same value of it. */
  readonly inOrder: boolean | string;
  /** Default: the items are equal, but for matchers. */
  readonly isSame?: (expected: unknown, observed: unknown) => boolean;
}

/** Above this number of items of a list, not every pair is compared: an item is paired with the first one that it can be. */
const maxCompared = 300;

/** Compares lists, as lists or, unless `inOrder`, as multisets. Items that differ are paired with the most similar ones. */
export function compareLists(
  expected: readonly unknown[],
  observed: readonly unknown[],
  { inOrder, isSame }: CompareOptions,
): ListComparison {
  const compareInOrder = (one: readonly unknown[], other: readonly unknown[]) =>
    pairsInOrder(one, other, isSame ?? matchesValue);
  const pairs =
    typeof inOrder === 'string'
      ? groupsOf(inOrder, expected, observed).flatMap(([one, other]) => compareInOrder(one, other))
      : inOrder
        ? compareInOrder(expected, observed)
        : new Pairing(expected, observed, isSame).pairs();
  return { isSame: pairs.every((pair) => pair.isSame), pairs };
}

function pairsInOrder(
  expected: readonly unknown[],
  observed: readonly unknown[],
  isSame: NonNullable<CompareOptions['isSame']>,
): readonly Pair[] {
  return Array.from({ length: Math.max(expected.length, observed.length) }, (_, index) => {
    if (index >= expected.length) return { observed: observed[index], isSame: false };
    if (index >= observed.length) return { expected: expected[index], isSame: false };
    const pair = { expected: expected[index], observed: observed[index] };
    return { ...pair, isSame: isSame(pair.expected, pair.observed) };
  });
}

/** The items with each value of a field, in the order of the values in the lists. */
function groupsOf(
  field: string,
  expected: readonly unknown[],
  observed: readonly unknown[],
): readonly (readonly [readonly unknown[], readonly unknown[]])[] {
  const groups = new Map<string, readonly [unknown[], unknown[]]>();
  for (const [side, items] of [expected, observed].entries()) {
    for (const item of items) {
      const value = textOf((item as { readonly [name: string]: unknown } | null)?.[field]);
      const group = groups.get(value) ?? [[], []];
      groups.set(value, group);
      group[side]?.push(item);
    }
  }
  return [...groups.values()];
}

/** Pairs the items of two lists: first those that are the same, then the most similar ones. */
class Pairing {
  /** Indexes of observed items without a partner. */
  private readonly left: Set<number>;
  private readonly byText = new Map<string, number[]>();
  /** The observed index of each expected one. */
  private readonly partners = new Map<number, { readonly index: number; readonly isSame: boolean }>();
  /** The expected index of each observed one that may have another partner. */
  private readonly holders = new Map<number, number>();

  constructor(
    private readonly expected: readonly unknown[],
    private readonly observed: readonly unknown[],
    private readonly isSame: CompareOptions['isSame'],
  ) {
    this.left = new Set(observed.keys());
    observed.forEach((item, index) => {
      const text = textOf(item);
      const known = this.byText.get(text);
      if (known === undefined) this.byText.set(text, [index]);
      else known.push(index);
    });
  }

  pairs(): readonly Pair[] {
    const isPlain = (index: number) => this.isSame === undefined && !hasMatcher(this.expected[index]);
    const indexes = [...this.expected.keys()];
    for (const index of indexes.filter(isPlain)) this.joinEqual(index);
    for (const index of indexes) if (!isPlain(index)) this.joinSame(index);
    const missing = indexes.filter((index) => !this.partners.has(index));
    for (const index of missing) this.joinSimilar(index, missing.length);
    const found = indexes.map((index): Pair => {
      const partner = this.partners.get(index);
      const expected = this.expected[index];
      if (partner === undefined) return { expected, isSame: false };
      return { expected, observed: this.observed[partner.index], isSame: partner.isSame };
    });
    return [...found, ...[...this.left].map((index) => ({ observed: this.observed[index], isSame: false }))];
  }

  private joinEqual(index: number): void {
    const same = this.byText.get(textOf(this.expected[index]))?.shift();
    if (same !== undefined) this.join(index, same, true);
  }

  /** Joins an item with one that it matches: one that is left, or that of another item which matches one more. */
  private joinSame(index: number, tried = new Set<number>()): boolean {
    const isSame = this.isSame ?? matchesValue;
    const matches = (each: number) => !tried.has(each) && isSame(this.expected[index], this.observed[each]);
    let found = [...this.left].find(matches);
    const isMany = this.expected.length * this.observed.length > maxCompared ** 2;
    for (const [each, holder] of found === undefined && !isMany ? [...this.holders] : []) {
      if (!matches(each)) continue;
      tried.add(each);
      if (!this.joinSame(holder, tried)) continue;
      found = each;
      break;
    }
    if (found === undefined) return false;
    this.holders.set(found, index);
    this.join(index, found, true);
    return true;
  }

  private joinSimilar(index: number, missing: number): void {
    let best: number | undefined;
    let bestSimilarity = -1;
    const isMany = missing * this.left.size > maxCompared ** 2;
    for (const each of isMany ? [...this.left].slice(0, 1) : this.left) {
      const found = similarity(this.expected[index], this.observed[each]);
      if (found > bestSimilarity) [best, bestSimilarity] = [each, found];
    }
    if (best !== undefined) this.join(index, best, false);
  }

  private join(expected: number, observed: number, isSame: boolean): void {
    this.left.delete(observed);
    this.partners.set(expected, { index: observed, isSame });
  }
}

/** The same text for values that are equal: keys are sorted, and a bigint is like a number. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
    return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${textOf(inner)}`).join(',')}}`;
  }
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
