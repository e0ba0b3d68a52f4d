import type { Attempt } from '../letters/letter-history';
import type { Delivery } from './delivery';

/** Keeps the failed attempts of records that are retried, where other replicas can read them. */
export interface AttemptNotes {
  /** Notes an attempt; a note that cannot be stored is left out of the history. */
  note(delivery: Delivery, attempt: Attempt): void;
  /** The noted attempts of a record, the oldest first. */
  of(delivery: Delivery): Promise<readonly Attempt[]>;
  /** The record has ended: removes its notes. */
  forget(delivery: Delivery): void;
}
