import { distance } from 'fastest-levenshtein';

/** The known name a wrong one was most likely meant to be; undefined when none is near. */
export function nearestName(wrong: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const name of known) {
    if (sameButForStyle(wrong, name)) return name;
    if (Math.abs(name.length - wrong.length) >= bestDistance) continue;
    const steps = distance(wrong, name);
    if (steps < bestDistance && steps <= tolerance(Math.max(wrong.length, name.length))) {
      best = name;
      bestDistance = steps;
    }
  }
  return best;
}

/** Slips that are forgiven in a name of a length: two letters in a wrong order count as two. */
function tolerance(length: number): number {
  return length < 4 ? 1 : Math.max(2, Math.floor(length / 3));
}

/** Do two names differ only in upper and lower case, dashes, dots and underscores? */
function sameButForStyle(one: string, other: string): boolean {
  return plain(one) === plain(other);
}

/**
 * Is a key that may well be the user's own still too near a known one? Another style of the same name is, or a slip or
 * two after its first letter: `rates` is near to `rate`, `date` is not.
 */
export function isNearMiss(key: string, name: string): boolean {
  if (sameButForStyle(key, name)) return true;
  return key[0] === name[0] && distance(key, name) <= (name.length > 5 ? 2 : 1);
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[-_.]/g, '');
}

/** `; did you mean "x"?`, else the few names there are, else nothing. */
export function suggest(wrong: string, known: readonly string[], few = 12): string {
  const nearest = nearestName(wrong, known);
  if (nearest !== undefined) return `; did you mean "${nearest}"?`;
  return known.length > 0 && known.length <= few ? `; known here: ${known.join(', ')}` : '';
}
