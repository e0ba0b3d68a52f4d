import { DeliverPolicy, type JsMsg, type NatsConnection } from 'nats';
import { jetStreamOf, managerOf } from './access/jetstream-api';
import { callServer, ignoreMissing } from './retry-request';

/** A record that a function gave up on. */
export interface Letter {
  readonly function: string;
  /** The record's stream, its sequence there, and the number of its deliveries. */
  readonly stream: string;
  readonly sequence: number;
  readonly deliveries: number;
  /** ISO time. */
  readonly failedAt: string;
  /** Class and message of the last error. */
  readonly errorType: string;
  readonly error: string;
  /** The record: an Avro message, or the claim of one. */
  readonly payload: Uint8Array;
}

const fetchExpiresMs = 2_000;

/** The dead letters of a stream after a sequence, the oldest first; none without the stream. */
export async function* readLetters(connection: NatsConnection, stream: string, after: number): AsyncIterable<Letter> {
  const manager = await managerOf(connection);
  const info = await callServer(`stream ${stream}`, () => ignoreMissing(manager.streams.info(stream)));
  if (info === undefined || info.state.last_seq <= after || info.state.messages === 0) return;
  const start = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 };
  const consumer = await jetStreamOf(connection).consumers.get(stream, start);
  try {
    while ((await consumer.info()).num_pending > 0) {
      for await (const message of await consumer.fetch({ max_messages: 100, expires: fetchExpiresMs })) {
        yield letterOf(message);
        if (message.info.pending === 0) break;
      }
    }
  } finally {
    await consumer.delete();
  }
}

function letterOf({ headers, data }: JsMsg): Letter {
  const text = (name: string) => headers?.get(`Kflow-${name}`) ?? '';
  return {
    function: text('Function'),
    stream: text('Origin-Stream'),
    sequence: Number(text('Origin-Sequence')),
    deliveries: Number(text('Deliveries')),
    failedAt: text('Failed-At'),
    errorType: decoded(text('Error-Type')),
    error: decoded(text('Error')),
    payload: data,
  };
}

/** Header values are percent-encoded, and may be cut within an escape. */
function decoded(text: string): string {
  try {
    return decodeURI(text.replace(/%[0-9A-Fa-f]?$/, ''));
  } catch {
    return text;
  }
}
