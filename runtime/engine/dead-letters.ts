import { KFlowError } from '../../lib/errors';
import type { FunctionSpec } from '../../lib/plan/function-spec';
import type { HeldRecord } from './held-records';
import { originOf } from './origin';
import type { Failure } from './ports/host';
import type { Publisher } from './ports/publisher';

/** Longest header values that are written; the whole message has to stay below the server's limit. */
const maxTypeLength = 200;
const maxMessageLength = 4_000;

/**
 * Records that a function gave up on: the message as it came, with its origin and the failure in headers, one for each
 * message and epoch of the function however often it is put.
 */
export class DeadLetters {
  constructor(
    private readonly spec: FunctionSpec,
    private readonly publisher: Publisher,
  ) {}

  /** `settle` is called once: with nothing when it is stored. */
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

/** Header values have one line, of printable characters: others are percent-encoded, as in a URI. */
function headerText(text: string, maxLength: number): string {
  const oneLine = text.replace(/\s+/g, ' ').trim();
  const wellFormed = Buffer.from(oneLine).toString(); // half a surrogate pair cannot be encoded
  return encodeURI(wellFormed).replaceAll('%20', ' ').slice(0, maxLength);
}
