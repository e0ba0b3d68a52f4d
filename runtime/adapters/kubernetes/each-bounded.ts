import { inParallel } from '../../async/in-parallel';

/** Requests of one call that are under way at once. */
const AT_ONCE = 8;

/** Results of work on each item, some at a time, in the order of the items. The first error ends it. */
export function eachBounded<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  return inParallel(items, AT_ONCE, work);
}
