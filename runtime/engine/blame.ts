/** The records that were in a host when it crashed, or when it had to be killed because one of them was overdue. */
export interface Incident<R> {
  /** In the order of hand-over. */
  readonly inHost: readonly R[];
  /** The records whose time was over; empty after a crash. */
  readonly overdue: readonly R[];
  /** Whether the host had processed other records before. */
  readonly hasRunOthers: boolean;
  /** Whether a failed attempt makes a dead letter of the record. */
  readonly isLastAttempt: (record: R) => boolean;
}

/** Whose failed attempt an incident is. */
export interface Blame<R> {
  readonly charged?: R;
  /** Run alone next, in this order, until one of them is charged or each has an outcome. */
  readonly suspects: readonly R[];
}

/**
 * Decides whose failed attempt the end of a host is; changes nothing.
 *
 * B1. A record is charged only if it was alone in the host. Of several, any may be the cause: a host reports outcomes in
 *     batches, and one record can block the others. Nobody is charged, and they are run alone.
 * B2. A record becomes a dead letter only by what happened in a host that ran nothing else: what an earlier record left
 *     behind, such as a thread, may have ended the host.
 */
export function decideBlame<R>({ inHost, overdue, hasRunOthers, isLastAttempt }: Incident<R>): Blame<R> {
  const [first, ...others] = inHost;
  if (first === undefined) return { suspects: [] };
  if (others.length === 0 && !(hasRunOthers && isLastAttempt(first))) return { charged: first, suspects: [] };
  const isLate = new Set(overdue);
  return { suspects: [...overdue, ...inHost.filter((record) => !isLate.has(record))] }; // the likely cause first
}
