/** The records that were in a host when it crashed, or when it had to be killed because one of them was overdue. */
export interface Incident<R> {
  /** In the order of hand-over. */
  readonly inHost: readonly R[];
  /** The records whose time was over; empty after a crash. */
  readonly overdue: readonly R[];
  /** Whether the host had processed other records before. */
  readonly hasRunOthers: boolean;
  /** How many records are run alone at most. */
  readonly mostSuspects: number;
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
 * B2. The suspects are the overdue records, and those that entered the host first: the host processes them in that order. If
 *     the cause is not among them, the next incident has fewer records before it.
 * B3. A record becomes a dead letter only by what happened in a host that ran nothing else: what an earlier record left
 *     behind, such as a thread, may have ended the host.
 */
export function decideBlame<R>(incident: Incident<R>): Blame<R> {
  const { inHost, overdue, hasRunOthers, mostSuspects, isLastAttempt } = incident;
  const [first, ...others] = inHost;
  if (first === undefined) return { suspects: [] };
  if (others.length === 0 && !(hasRunOthers && isLastAttempt(first))) return { charged: first, suspects: [] };
  const isLate = new Set(overdue);
  const inOrder = [...overdue, ...inHost.filter((record) => !isLate.has(record))]; // the likely cause first
  return { suspects: inOrder.slice(0, Math.max(mostSuspects, overdue.length)) };
}

/** Incidents that are farther apart have nothing to do with each other. */
const relatedMs = 60_000;

/**
 * How many records are run alone after an incident: few at first, so that the neighbors of a slow function are not run one
 * after another for long; twice as many each time that the cause was not among them.
 */
export class SuspectLimit {
  private next: number;
  private lastMs = Number.NEGATIVE_INFINITY;

  /** `first`: at least as many as the host processes concurrently. */
  constructor(private readonly first: number) {
    this.next = first;
  }

  /** The limit for an incident at this time. */
  at(nowMs: number): number {
    const limit = nowMs - this.lastMs > relatedMs ? this.first : this.next;
    this.next = 2 * limit;
    this.lastMs = nowMs;
    return limit;
  }

  /** The cause has been found. */
  reset(): void {
    this.next = this.first;
  }
}

/** Names of suspects in one line of the log. */
const maxNamed = 10;

/** The names of suspects for the log. */
export function namesOf(records: readonly { readonly name: string }[]): string {
  const names = records.slice(0, maxNamed).map(({ name }) => name);
  return records.length > maxNamed ? `${names.join(', ')} and ${records.length - maxNamed} more` : names.join(', ');
}
