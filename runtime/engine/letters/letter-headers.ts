import { keyHeader, keyHeaders } from '../order/record-key';
import { decodeHistory, encodeHistory, type LetterHistory } from './letter-history';

/** Longest values, in characters. All headers of a letter are less than the 8 KiB that a message has room for. */
const max = { type: 200, message: 4_000, place: 250, state: 512, history: 1_600, trace: 3_000, all: 7_600 } as const;

/** What the headers of a dead letter say. */
export interface LetterFacts {
  readonly function: string;
  /** The record's stream, its sequence there, and when the stream stored it, as an ISO time. */
  readonly stream: string;
  readonly sequence: number;
  readonly storedAt: string;
  /** The prefix of the ids of the record's outputs: the function, and its epoch. */
  readonly writer: string;
  readonly deliveries: number;
  /** ISO time. */
  readonly failedAt: string;
  /** `exception`, `exited`, `crashed`, `timed out` or `too large`. */
  readonly reason: string;
  /** Class and message of the last error, and where user code raised it. */
  readonly errorType: string;
  readonly error: string;
  readonly place?: string;
  /** The traceback of the last error; its end may be missing. */
  readonly trace?: string;
  readonly replica: string;
  /** Indexes of the record's outputs that are stored, as `0-2,5`. */
  readonly stored: string;
  readonly history: LetterHistory;
  /** The redrive in which the record failed again. */
  readonly redrive?: string;
  /** The record's key. */
  readonly key?: string;
  /** W3C trace context of the record. */
  readonly traceparent?: string;
  readonly tracestate?: string;
}

export type LetterHeaders = { readonly [name: string]: string };

/** The headers of a dead letter, all of them printable ASCII. The traceback gets the room that the others leave. */
export function encodeLetter(facts: LetterFacts): LetterHeaders {
  const own: LetterHeaders = {
    'Kflow-Function': facts.function,
    'Kflow-Origin-Stream': facts.stream,
    'Kflow-Origin-Sequence': String(facts.sequence),
    'Kflow-Origin-Time': facts.storedAt,
    'Kflow-Writer': facts.writer,
    'Kflow-Deliveries': String(facts.deliveries),
    'Kflow-Failed-At': facts.failedAt,
    'Kflow-Reason': facts.reason,
    'Kflow-Error-Type': headerText(facts.errorType, max.type),
    'Kflow-Error': headerText(facts.error, max.message),
    'Kflow-Replica': headerText(facts.replica, max.type),
    ...(facts.place === undefined ? {} : { 'Kflow-Error-Place': headerText(facts.place, max.place) }),
    ...(facts.stored === '' ? {} : { 'Kflow-Stored': cutRanges(facts.stored, max.place) }),
    ...(facts.redrive === undefined ? {} : { 'Kflow-Redrive': facts.redrive }),
    ...keyHeaders(facts),
    ...(facts.traceparent === undefined ? {} : { traceparent: facts.traceparent.slice(0, max.type) }),
    ...(facts.tracestate === undefined ? {} : { tracestate: facts.tracestate.slice(0, max.state) }),
    'Kflow-History': encodeHistory(facts.history, max.history),
  };
  const room = max.all - Object.entries(own).reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
  if (facts.trace === undefined || room < 100) return own;
  return { ...own, 'Kflow-Error-Trace': linesText(facts.trace, Math.min(room, max.trace)) };
}

/** A header value is one line of printable characters; others are percent-encoded, as in a URI. */
function headerText(text: string, maxLength: number): string {
  const oneLine = text.replace(/\s+/g, ' ').trim();
  const wellFormed = Buffer.from(oneLine).toString(); // encodeURI throws on half a surrogate pair
  return encodeURI(wellFormed).replaceAll('%20', ' ').slice(0, maxLength);
}

/** As `headerText`, with the line breaks. Of a text that is too long, the middle is left out: both ends may name the error. */
function linesText(text: string, maxLength: number): string {
  const wellFormed = Buffer.from(text.trim()).toString();
  for (let kept = wellFormed.length; kept > 0; kept = Math.floor(kept * 0.8)) {
    const encoded = encodeURI(withoutMiddle(wellFormed, kept)).replaceAll('%20', ' ');
    if (encoded.length <= maxLength) return encoded;
  }
  return '';
}

function withoutMiddle(text: string, kept: number): string {
  if (kept >= text.length) return text;
  const head = Math.floor(kept / 3);
  const cut = `${text.slice(0, head)}\n…\n${text.slice(text.length - kept + head)}`;
  return Buffer.from(cut).toString();
}

/** Fewer stored outputs than there are cost a lookup; an index that is cut short would be another one. */
function cutRanges(ranges: string, maxLength: number): string {
  return ranges.length <= maxLength ? ranges : ranges.slice(0, ranges.lastIndexOf(',', maxLength));
}

/** The facts in the headers of a message; those that an earlier version did not write are empty. */
export function decodeLetter(header: (name: string) => string): LetterFacts {
  const text = (name: string) => header(`Kflow-${name}`);
  const optional = <Name extends string>(name: Name, value: string) =>
    (value === '' ? {} : { [name]: value }) as { readonly [Key in Name]?: string };
  return {
    function: text('Function'),
    stream: text('Origin-Stream'),
    sequence: Number(text('Origin-Sequence')),
    storedAt: text('Origin-Time'),
    writer: text('Writer') || writerOfId(header('Nats-Msg-Id')) || text('Function'),
    deliveries: Number(text('Deliveries')),
    failedAt: text('Failed-At'),
    reason: text('Reason'),
    errorType: decoded(text('Error-Type')),
    error: decoded(text('Error')),
    replica: decoded(text('Replica')),
    stored: text('Stored'),
    history: decodeHistory(text('History')),
    ...optional('place', decoded(text('Error-Place'))),
    ...optional('trace', decoded(text('Error-Trace'))),
    ...optional('redrive', text('Redrive')),
    ...optional('key', header(keyHeader)),
    ...optional('traceparent', header('traceparent')),
    ...optional('tracestate', header('tracestate')),
  };
}

/** The id of a letter is `dead:<writer>:<stream>:<sequence>`. */
function writerOfId(id: string): string {
  const [kind, writer = ''] = id.split(':');
  return kind === 'dead' ? writer : '';
}

/** Header values are percent-encoded, and may be cut within an escape. */
function decoded(text: string): string {
  try {
    return decodeURI(text.replace(/%[0-9A-Fa-f]?$/, ''));
  } catch {
    return text;
  }
}
