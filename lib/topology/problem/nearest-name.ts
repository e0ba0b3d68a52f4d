import { distance } from 'fastest-levenshtein';

/** The known name that is most similar to a wrong one; undefined if none is similar enough. */
export function nearestName(wrong: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const name of known) {
    if (isSameIgnoringStyle(wrong, name)) return name;
    if (Math.abs(name.length - wrong.length) >= bestDistance) continue;
    const steps = distance(wrong, name);
    if (steps < bestDistance && steps <= tolerance(Math.max(wrong.length, name.length))) {
      best = name;
      bestDistance = steps;
    }
  }
  return best;
}

/** Number of typos that are tolerated in a name of this length. Two swapped letters count as two. */
function tolerance(length: number): number {
  return length < 4 ? 1 : Math.max(2, Math.floor(length / 3));
}

/** Whether two names differ only in case, dashes, dots and underscores. */
function isSameIgnoringStyle(one: string, other: string): boolean {
  return plain(one) === plain(other);
}

/**
 * Whether a key that may be the user's own is probably a misspelled known one: the same name in another style, or one or
 * two typos after the first letter. `rates` is a near miss of `rate`, `date` is not.
 */
export function isNearMiss(key: string, name: string): boolean {
  if (isSameIgnoringStyle(key, name)) return true;
  return key[0] === name[0] && distance(key, name) <= (name.length > 5 ? 2 : 1);
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[-_.]/g, '');
}

/** `; did you mean "x"?`, or the known names if there are few, or nothing. */
export function suggest(wrong: string, known: readonly string[], few = 12): string {
  const nearest = nearestName(wrong, known);
  if (nearest !== undefined) return `; did you mean "${nearest}"?`;
  return known.length > 0 && known.length <= few ? `; known here: ${known.join(', ')}` : '';
}
