/** Indexes as ranges, `0-2,5`; empty without any. */
export function rangesOf(indexes: Iterable<number>): string {
  const sorted = [...new Set(indexes)].sort((one, other) => one - other);
  const ranges: { from: number; to: number }[] = [];
  for (const index of sorted) {
    const last = ranges.at(-1);
    if (last !== undefined && last.to === index - 1) last.to = index;
    else ranges.push({ from: index, to: index });
  }
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

/** The indexes of ranges. What is not a range counts nothing. */
export function indexesOf(ranges: string): Set<number> {
  const indexes = new Set<number>();
  for (const range of ranges.split(',')) {
    const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
    if (from === undefined) continue;
    for (let index = Number(from); index <= Number(to); index++) indexes.add(index);
  }
  return indexes;
}
