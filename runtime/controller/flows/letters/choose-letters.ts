import type { LetterConditions, LetterGroup } from '../../../api-contract/letters';
import type { StoredLetter } from '../../../engine/letters/stored-letter';

/** Whether every condition holds for a letter. */
export function matchesConditions(letter: StoredLetter, conditions: LetterConditions): boolean {
  const { function: functionId, error, reason, place, since, until } = conditions;
  const failedMs = Date.parse(letter.failedAt);
  return (
    (functionId === undefined || letter.function === functionId) &&
    (error === undefined || letter.errorType === error) &&
    (reason === undefined || letter.reason === reason) &&
    (place === undefined || (letter.place ?? '') === place) &&
    (since === undefined || failedMs >= Date.parse(since)) &&
    (until === undefined || failedMs <= Date.parse(until))
  );
}

/** Collects letters of the same function, error and place. */
export class LetterGroups {
  private readonly groups = new Map<string, LetterGroup>();

  add(letter: StoredLetter, isRedriving: boolean): void {
    const { function: functionId, reason, errorType, place, failedAt, error } = letter;
    const key = JSON.stringify([functionId, reason, errorType, place]);
    const group = this.groups.get(key);
    const [oldest, newest] = [group?.oldest ?? failedAt, group?.newest ?? failedAt];
    this.groups.set(key, {
      function: functionId,
      reason,
      errorType,
      ...(place === undefined ? {} : { place }),
      letters: (group?.letters ?? 0) + 1,
      redriving: (group?.redriving ?? 0) + Number(isRedriving),
      oldest: failedAt < oldest ? failedAt : oldest,
      newest: failedAt > newest ? failedAt : newest,
      error: group === undefined || failedAt >= newest ? error : group.error,
    });
  }

  /** The largest groups first. */
  all(): LetterGroup[] {
    return [...this.groups.values()].sort((one, other) => other.letters - one.letters);
  }
}
