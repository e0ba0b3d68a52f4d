import { backoffMs } from '../async/backoff';
import type { Failure } from './ports/host';

/** What happens to a record whose function failed. */
export type FailureDecision = { readonly kind: 'retry'; readonly delayMs: number } | { readonly kind: 'dead-letter' };

const retryDelays = { firstMs: 1_000, maxMs: 30_000 };

/**
 * A failed record is redelivered after 1 s, 2 s, 4 s, … up to 30 s. At its `maxDeliver`th delivery, when an AckException
 * acks it, or when no retry can succeed, the record becomes a dead letter and is acked.
 */
export function decideFailure(failure: Failure, deliveries: number, maxDeliver: number): FailureDecision {
  if (failure.ack === true || failure.isFinal === true || deliveries >= maxDeliver) return { kind: 'dead-letter' };
  return { kind: 'retry', delayMs: backoffMs(deliveries - 1, retryDelays) };
}

/** The failure of a record that an error of KFlow itself caused, such as one of a store or a codec. */
export function failureOf(error: unknown): Failure {
  return error instanceof Error
    ? { type: error.name, message: error.message }
    : { type: 'Error', message: String(error) };
}
