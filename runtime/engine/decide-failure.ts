import { backoffMs } from '../async/backoff';
import type { Failure } from './ports/host';

/** What becomes of a record whose function failed. */
export type FailureDecision = { readonly kind: 'retry'; readonly delayMs: number } | { readonly kind: 'dead-letter' };

const retryDelays = { firstMs: 1_000, maxMs: 30_000 };

/**
 * A failed record is delivered again after 1 s, 2 s, 4 s, … up to 30 s; at its `maxDeliver`th delivery, or when an
 * AckException says that it counts as processed, it goes to the dead letters and is acked.
 */
export function decideFailure(failure: Failure, deliveries: number, maxDeliver: number): FailureDecision {
  if (failure.ack === true || failure.isFinal === true || deliveries >= maxDeliver) return { kind: 'dead-letter' };
  return { kind: 'retry', delayMs: backoffMs(deliveries - 1, retryDelays) };
}
