import { ErrorCode, Events, type NatsConnection, NatsError, headers as newHeaders } from 'nats';
import { FunctionError, KFlowError, StoreError } from '../../../../lib/errors';
import { atMost } from '../../../async/at-most';
import type { WriteOutcome } from '../../../engine/ports/sink';
import type { TraceContext } from '../../../engine/trace/trace-context';
import { connectNats } from '../access/connect-nats';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import type { MadeAccess } from '../access/nats-login';
import { transientCodes } from './publisher';
import { withTrace } from './with-trace';

interface Message {
  readonly id: string;
  readonly payload: Uint8Array;
  readonly trace?: TraceContext | undefined;
}

/** How long the server may take for an answer, and for the first connection, before the messages are published later. */
const answerTimeoutMs = 5_000;
/** How often a subject without a stream is looked up again: the stream may be created later. */
const lookupEveryMs = 10_000;
/** Message size exceeds the limit of the stream. */
const messageTooLarge = 10_054;

const stored: WriteOutcome = { is: 'stored' };

/**
 * Publishes on subjects of any NATS server.
 *
 * I1. Where a stream has the subject, a message is stored when the stream has acked it. A full or missing stream, a server
 *     that is away and an account without the permission are waited for.
 * I2. Where no stream has the subject, a message is stored when the server has received it: who does not subscribe misses it.
 * I3. A subject that a stream had once is not published without its ack.
 */
export class SubjectWriter {
  private connection: NatsConnection | undefined;
  private opening: Promise<NatsConnection> | undefined;
  private readonly withStream = new Set<string>();
  /** When a stream of these subjects was looked for in vain. */
  private readonly lookedUpMs = new Map<string, number>();
  /** Publishing on these subjects was refused, with the server's reason. */
  private readonly refusals = new Map<string, string>();
  private isClosed = false;

  constructor(
    private readonly access: MadeAccess,
    private readonly name: string,
    /** Called with a line for the log. */
    private readonly onTrouble: (text: string) => void,
  ) {}

  async publish(subject: string, messages: readonly Message[]): Promise<readonly WriteOutcome[]> {
    try {
      const connection = await this.connected();
      const hasStream = await this.hasStream(connection, subject);
      this.refusals.delete(subject);
      if (!hasStream) return await this.send(connection, subject, messages);
      return await Promise.all(messages.map((message) => this.store(connection, subject, message)));
    } catch (error) {
      return messages.map(() => later(subject, error));
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.connection?.close();
  }

  private async connected(): Promise<NatsConnection> {
    if (this.connection?.isClosed() === true) this.connection = undefined;
    if (this.connection !== undefined) return this.connection;
    this.opening ??= this.open();
    return this.opening;
  }

  private async open(): Promise<NatsConnection> {
    try {
      const connection = await connectNats(this.access, this.name, { trouble: this.onTrouble }, answerTimeoutMs);
      if (this.isClosed) await connection.close();
      this.connection = connection;
      void this.watchRefusals(connection);
      return connection;
    } finally {
      this.opening = undefined;
    }
  }

  /** The server reports what an account may not publish beside the answers. */
  private async watchRefusals(connection: NatsConnection): Promise<void> {
    for await (const { type, permissionContext } of connection.status()) {
      if (type !== Events.Error || permissionContext?.operation !== 'publish') continue;
      this.refusals.set(permissionContext.subject, `the account may not publish on ${permissionContext.subject}`);
    }
  }

  private async hasStream(connection: NatsConnection, subject: string): Promise<boolean> {
    if (this.withStream.has(subject)) return true; // I3
    const lookedUpMs = this.lookedUpMs.get(subject) ?? Number.NEGATIVE_INFINITY;
    if (performance.now() - lookedUpMs < lookupEveryMs) return false;
    const manager = await managerOf(connection, { timeout: answerTimeoutMs });
    try {
      await manager.streams.find(subject);
      this.withStream.add(subject);
      return true;
    } catch (error) {
      if (!isWithoutStream(error)) throw error;
      this.lookedUpMs.set(subject, performance.now());
      return false;
    }
  }

  /** I1 */
  private async store(connection: NatsConnection, subject: string, message: Message): Promise<WriteOutcome> {
    const { id, payload, trace } = message;
    try {
      const options = { msgID: id, timeout: answerTimeoutMs, headers: withTrace(newHeaders(), trace) };
      await jetStreamOf(connection).publish(subject, payload, options);
      return stored;
    } catch (error) {
      const refusal = this.refusals.get(subject);
      return outcomeOf(subject, refusal === undefined ? error : new StoreError('stream-failed', refusal));
    }
  }

  /** I2 */
  private async send(
    connection: NatsConnection,
    subject: string,
    messages: readonly Message[],
  ): Promise<readonly WriteOutcome[]> {
    const outcomes = messages.map(({ id, payload, trace }) => {
      try {
        const headers = withTrace(newHeaders(), trace);
        headers.set('Nats-Msg-Id', id);
        connection.publish(subject, payload, { headers });
        return stored;
      } catch (error) {
        return outcomeOf(subject, error);
      }
    });
    const isReceived = await atMost(
      answerTimeoutMs,
      connection.flush().then(() => true),
    );
    if (!isReceived) throw new StoreError('stream-failed', `nats did not answer within ${answerTimeoutMs} ms`);
    const refusal = this.refusals.get(subject); // reported before the answer to the flush
    return refusal === undefined ? outcomes : messages.map(() => later(subject, new Error(refusal)));
  }
}

/** No stream has the subject, or the server or the account has no JetStream. */
function isWithoutStream(error: unknown): boolean {
  if (!(error instanceof NatsError)) return error instanceof Error && /no stream matches subject/.test(error.message);
  const without: readonly string[] = [
    ErrorCode.NoResponders,
    ErrorCode.JetStream404NoMessages,
    ErrorCode.JetStreamNotEnabled,
  ];
  return without.includes(error.code);
}

function outcomeOf(subject: string, error: unknown): WriteOutcome {
  const { code, api_error: refusal, message } = error as Partial<NatsError> & Error;
  const isTooLarge = code === ErrorCode.MaxPayloadExceeded || refusal?.err_code === messageTooLarge;
  if (isTooLarge) {
    return {
      is: 'failed',
      error: new FunctionError('payload-too-large', `${subject}: ${message}`),
      isRetryable: false,
    };
  }
  if (refusal?.err_code === undefined || transientCodes.has(refusal.err_code)) return later(subject, error);
  const text = `${subject}: message refused: ${message} (${refusal.err_code})`;
  return { is: 'failed', error: new StoreError('stream-failed', text), isRetryable: true };
}

function later(subject: string, error: unknown): WriteOutcome {
  if (error instanceof KFlowError) return { is: 'later', error };
  const { code, message } = error as Partial<NatsError> & Error;
  const why =
    code === ErrorCode.NoResponders
      ? 'the stream of the subject is gone'
      : code === ErrorCode.Timeout
        ? 'no answer from nats'
        : message;
  return { is: 'later', error: new StoreError('stream-failed', `${subject}: ${why}`, { cause: error }) };
}
