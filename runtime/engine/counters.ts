import { cutText, maxLogged } from './failures';
import type { Failure } from './ports/host';

/** What a replica has done since it started. */
export interface Counters {
  /** Records processed and acked. */
  in: number;
  /** Records emitted on the main output. */
  out: number;
  /** Attempts that failed. */
  failed: number;
  /** Records that became dead letters. */
  dead: number;
  /** Times that the destination of a sink did not take a record; the record waits and is written again. */
  refused?: number;
  /** The error of the last failed attempt. */
  lastFailure?: string;
  /** Why records wait that are neither failed nor processed: their destination does not take them now. */
  waiting?: string;
}

/** Counts a failed attempt, and keeps its error on one line, which is cut: reports are sent twice a second. */
export function countFailure(counters: Counters, { type, message }: Failure): void {
  counters.failed++;
  counters.lastFailure = cutText(`${type}: ${message}`.replace(/\s+/g, ' '), maxLogged);
}

/** The counters of a replica, as the replica publishes them. */
export interface ReplicaReport extends Counters {
  readonly function: string;
  readonly replica: number;
  /** Name of the pod or of the machine. */
  readonly host: string;
  readonly pid: number;
}
