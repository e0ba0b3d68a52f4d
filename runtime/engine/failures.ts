import { KFlowError } from '../../lib/errors';
import { backoffMs } from '../async/backoff';
import type { Failure, FailureReason } from './ports/host';

/** What happens to a record whose attempt failed. */
export type FailureDecision = { readonly kind: 'retry'; readonly delayMs: number } | { readonly kind: 'dead-letter' };

/** Longest error in a line of the log that is not about a failed attempt. */
export const maxLogged = 1_000;

const retryDelays = { firstMs: 1_000, maxMs: 30_000 };

/** Longest texts of an error that are kept: a report, a letter or a line of the log is a few kilobytes. */
const maxLengths = { type: 200, message: 4_000, trace: 8_000 } as const;

/**
 * A failed record is redelivered after 1 s, 2 s, 4 s, … up to 30 s. It becomes a dead letter at its `maxDeliver`th
 * delivery, and at once if an AckException acks it or no retry can succeed.
 */
export function decideFailure(failure: Failure, deliveries: number, maxDeliver: number): FailureDecision {
  if (failure.ack === true || failure.isFinal === true || deliveries >= maxDeliver) return { kind: 'dead-letter' };
  return { kind: 'retry', delayMs: backoffMs(deliveries - 1, retryDelays) };
}

/** The failure of a record caused by an error of KFlow itself, such as a store's or a codec's. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { type: 'Error', message: String(error) };
  const reason = error instanceof KFlowError && error.code === 'payload-too-large' ? { reason: tooLarge } : {};
  return { type: error.name, message: error.message, ...reason };
}

const tooLarge: FailureReason = 'too large';

/** The failed attempt of a record whose code ended the host. */
export function crashFailure(cause: KFlowError): Failure {
  const reason = cause.code === 'host-exited' ? 'exited' : 'crashed';
  return { type: reason, message: cause.message, reason };
}

/** The failed attempt of a record that exceeded `max.poll.interval.ms`. */
export function overdueFailure(maxPollIntervalMs: number): Failure {
  const message = `no result and no heartbeat within max.poll.interval.ms (${maxPollIntervalMs}); the code was stopped`;
  return { type: 'timed out', message, reason: 'timed out' };
}

/** The failure of a record that ended the replica itself, `attempts` times, each time alone. It is not tried again. */
export function replicaFailure(attempts: number): Failure {
  const message = `the replica ended ${attempts} times while it processed this record alone`;
  return { type: 'crashed', message, reason: 'crashed', isFinal: true };
}

/** The failure with its texts cut to a few kilobytes: user code may throw messages of any length. */
export function cutFailure(failure: Failure): Failure {
  const { type, message, trace } = failure;
  return {
    ...failure,
    type: cutText(type, maxLengths.type),
    message: cutText(message, maxLengths.message),
    ...(trace === undefined ? {} : { trace: cutText(trace, maxLengths.trace) }),
  };
}

/** The first `maxLength` characters of a text, and how long it was if that is not all of it. */
export function cutText(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}… (${text.length} characters in all)`;
}

/**
 * How many lone attempts may end their replica before the record is a dead letter: `maxDeliver`, but at least 2, because a
 * replica can be killed from outside, and at most 3, because a Job ends after 7 starts of a replica.
 */
export function maxLoneAttempts(maxDeliver: number): number {
  return Math.min(Math.max(maxDeliver, 2), 3);
}
