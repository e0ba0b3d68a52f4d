import { DeliverPolicy, type JsMsg, type MsgHdrs, type NatsConnection } from 'nats';
import { decodeLetter } from '../../../engine/letters/letter-headers';
import type { StoredLetter } from '../../../engine/letters/stored-letter';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { callServer, ignoreMissing } from '../retry-request';

export interface LettersRange {
  readonly stream: string;
  /** Read are the letters after this sequence; default: all. */
  readonly after?: number;
  /** Only letters of this subject. */
  readonly subject?: string;
  readonly headersOnly?: boolean;
}

const fetchExpiresMs = 2_000;
const lettersAtOnce = 100;
const headersAtOnce = 2_000;

/** The letters of a stream, the oldest first; none without the stream. Letters that arrive meanwhile are not read. */
export async function* readLetters(connection: NatsConnection, range: LettersRange): AsyncIterable<StoredLetter> {
  const { stream, after = 0, subject, headersOnly = false } = range;
  const manager = await managerOf(connection);
  const info = await callServer(`stream ${stream}`, () => ignoreMissing(manager.streams.info(stream)));
  if (info === undefined || info.state.last_seq <= after || info.state.messages === 0) return;
  const consumer = await jetStreamOf(connection).consumers.get(stream, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: after + 1,
    headers_only: headersOnly,
    ...(subject === undefined ? {} : { filterSubjects: subject }),
  });
  const batch = { max_messages: headersOnly ? headersAtOnce : lettersAtOnce, expires: fetchExpiresMs };
  try {
    while ((await consumer.info()).num_pending > 0) {
      for await (const message of await consumer.fetch({ ...batch })) {
        if (message.seq > info.state.last_seq) return;
        yield letterOf(message, headersOnly);
        if (message.info.pending === 0) break;
      }
    }
  } finally {
    await ignoreMissing(consumer.delete());
  }
}

/** A letter without its name: headers of a move say who discarded it. */
function letterOf({ headers, data, seq }: JsMsg, headersOnly: boolean): StoredLetter {
  const header = headerOf(headers);
  const [by, at, comment] = ['By', 'At', 'Comment'].map((name) => header(`Kflow-Discarded-${name}`));
  return {
    letter: Number(header('Kflow-Letter') || seq),
    position: seq,
    ...decodeLetter(header),
    bytes: headersOnly ? Number(header('Nats-Msg-Size')) : data.length,
    payload: data,
    ...(at ? { discarded: { by: decodeURIComponent(by ?? ''), at, ...commentOf(comment) } } : {}),
  };
}

function commentOf(comment: string | undefined): { readonly comment?: string } {
  return comment ? { comment: decodeURIComponent(comment) } : {};
}

/** Reads headers of a message; one that the message does not have is empty. */
export function headerOf(headers: MsgHdrs | undefined): (name: string) => string {
  return (name) => headers?.get(name) ?? '';
}
