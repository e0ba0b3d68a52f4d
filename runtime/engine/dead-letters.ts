import { KFlowError } from '../../lib/errors';
import type { FunctionSpec } from '../../lib/plan/function-spec';
import { backoffMs } from '../async/backoff';
import type { HeldRecord } from './held-records';
import { originOf } from './output-writer';
import type { Failure } from './ports/host';
import type { Publisher } from './ports/publisher';

/** What happens to a record whose function failed. */
export type FailureDecision = { readonly kind: 'retry'; readonly delayMs: number } | { readonly kind: 'dead-letter' };

const retryDelays = { firstMs: 1_000, maxMs: 30_000 };

/** Longest header values: the whole message must stay below the server's limit. */
const maxTypeLength = 200;
const maxMessageLength = 4_000;

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
  return error instanceof Error
    ? { type: error.name, message: error.message }
    : { type: 'Error', message: String(error) };
}

/**
 * Writes dead letters: the original message, with its origin and the failure in headers. A stream stores one dead letter
 * for each message and epoch of the function, however often it is put.
 */
export class DeadLetters {
  constructor(
    private readonly spec: FunctionSpec,
    private readonly publisher: Publisher,
  ) {}

  /** Calls `settle` once, without an error when the dead letter is stored. */
  put(record: HeldRecord, failure: Failure, settle: (error?: KFlowError) => void): void {
    const { delivery } = record;
    const { function: functionId, deadLetters } = this.spec;
    const outgoing = {
      subject: deadLetters.subject,
      id: `dead:${originOf(this.spec, delivery)}`,
      payload: delivery.payload,
      headers: {
        'Kflow-Function': functionId,
        'Kflow-Origin-Stream': delivery.stream,
        'Kflow-Origin-Sequence': String(delivery.sequence),
        'Kflow-Deliveries': String(delivery.deliveries),
        'Kflow-Failed-At': new Date().toISOString(),
        'Kflow-Error-Type': headerText(failure.type, maxTypeLength),
        'Kflow-Error': headerText(failure.message, maxMessageLength),
      },
    };
    this.publisher.publish(outgoing, (result) => {
      if (result instanceof KFlowError) settle(result);
      else settle();
    });
  }
}

/** A header value is one line of printable characters; others are percent-encoded, as in a URI. */
function headerText(text: string, maxLength: number): string {
  const oneLine = text.replace(/\s+/g, ' ').trim();
  const wellFormed = Buffer.from(oneLine).toString(); // encodeURI throws on half a surrogate pair
  return encodeURI(wellFormed).replaceAll('%20', ' ').slice(0, maxLength);
}
