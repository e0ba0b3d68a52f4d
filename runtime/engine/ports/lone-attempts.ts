import type { Delivery } from './delivery';

/** Counts the attempts of records that run alone, where the counts survive the end of the replica. */
export interface LoneAttempts {
  /** Notes an attempt before it starts; resolves with the number of earlier ones that ended with their replica. */
  begin(delivery: Delivery): Promise<number>;
  /** The record has an outcome, or has been given back: its attempts do not count any more. */
  end(delivery: Delivery): void;
}
