import { KFlowError } from '../../lib/errors';
import type { FunctionSpec } from '../../lib/plan/function-spec';
import type { HeldRecord } from './held-records';
import { originOf } from './output-writer';
import type { Failure } from './ports/host';
import type { Publisher } from './ports/publisher';

/** Longest header values: the whole message must stay below the server's limit. */
const maxTypeLength = 200;
const maxMessageLength = 4_000;

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
        'Kflow-Reason': failure.reason ?? 'exception',
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
