import { waitFor } from '../../support/wait-for';

/** Pods that fail are started again after up to five minutes. */
const patience = { timeoutMs: 600_000, everyMs: 500 };

/** Polls a value of the cluster until it is truthy, or until the condition holds, for up to ten minutes. */
export function eventually<T>(
  what: string,
  read: () => Promise<T>,
  holds: (value: T) => boolean = Boolean,
): Promise<T> {
  return waitFor(what, read, holds, patience);
}
