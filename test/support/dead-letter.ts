import { headers, type NatsConnection } from 'nats';
import { deadLetterSubject } from '../../lib/plan/names';
import type { FlowKey } from '../../runtime/api-contract/flow-key';
import { encodeLetter } from '../../runtime/engine/letters/letter-headers';
import { noHistory } from '../../runtime/engine/letters/letter-history';

const at = '2026-01-31T08:00:00.000Z';
let sequence = 0;

/** Stores a dead letter with this text, as a function does that gives up a record. */
export async function publishLetter(
  connection: NatsConnection,
  flow: FlowKey,
  { functionId, text }: { readonly functionId: string; readonly text: string },
): Promise<void> {
  const facts = encodeLetter({
    function: functionId,
    stream: 'in',
    sequence: ++sequence,
    storedAt: at,
    writer: functionId,
    deliveries: 1,
    failedAt: at,
    reason: 'exception',
    errorType: 'E',
    error: 'no',
    replica: 'r',
    stored: '',
    history: noHistory,
  });
  const head = headers();
  for (const [name, value] of Object.entries(facts)) head.set(name, value);
  await connection.jetstream().publish(deadLetterSubject(flow, functionId), text, { headers: head });
}
