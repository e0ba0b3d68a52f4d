import { childrenOf, isPlainMap } from '../../plain-map';

/**
 * In place of a value that is too large for the state of an execution: the object that has it. A value of a user may look like
 * a claim and is none, because the `mark` of an execution's claims is known to its controller alone.
 */
export interface Claim {
  readonly $claim: {
    readonly key: string;
    readonly bytes: number;
    readonly mark: string;
    /** The claim stands for this item of the list that the object has, of the list in there, and so on. */
    readonly at?: readonly number[];
  };
}

export function isClaim(value: unknown, mark: string | undefined): value is Claim {
  return mark !== undefined && isPlainMap(value) && isPlainMap(value.$claim) && value.$claim.mark === mark;
}

/** Whether a value is a claim, or has one anywhere. */
export function holdsClaim(value: unknown, mark: string | undefined): boolean {
  if (mark === undefined) return false;
  return isClaim(value, mark) || childrenOf(value).some(([, child]) => holdsClaim(child, mark));
}

/** The claim that a worker has reported in place of an output; any other value as it is. */
export function markedClaim(value: unknown, mark: string): unknown {
  if (!isPlainMap(value) || Object.keys(value).length !== 1 || !isPlainMap(value.$claim)) return value;
  const { key, bytes, at } = value.$claim;
  if (typeof key !== 'string' || typeof bytes !== 'number') return value;
  return { $claim: { key, bytes, mark, ...(isPlace(at) ? { at } : {}) } };
}

function isPlace(at: unknown): at is readonly number[] {
  return Array.isArray(at) && at.every((index) => Number.isInteger(index) && index >= 0);
}
