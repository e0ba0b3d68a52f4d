import { createInbox, type Msg, type NatsConnection, headers as newHeaders } from 'nats';
import { type KFlowError, StoreError } from '../../../../lib/errors';
import type { Outgoing, PublishAck, Publisher } from '../../../engine/ports/publisher';
import { type GatedMessage, SubjectGate } from './subject-gate';

type Settle = (result: PublishAck | KFlowError) => void;

interface Pending extends GatedMessage {
  readonly outgoing: Outgoing;
  readonly settle: Settle;
  sentAt: number;
}

/** Unsettled messages and bytes above which `room` makes producers wait. */
const maxPendingMessages = 4_096;
const maxPendingBytes = 24 * 1024 * 1024;

/** A message without a response is sent again after this time. */
const responseTimeoutMs = 5_000;
/** JetStream's error code for a message that exceeds the stream's limits. */
const streamFull = 10_077;
/** JetStream's transient error codes: no leader, insufficient resources, stream offline, same id in process. */
export const transientCodes: ReadonlySet<number> = new Set([
  streamFull,
  10_023,
  10_028,
  10_047,
  10_008,
  10_074,
  10_118,
  10_158,
]);

/**
 * Publishes to streams with one shared reply inbox: a token in the reply subject matches a response to its message.
 *
 * I1. A message is settled once: stored (also as a duplicate), or failed with an error that no retry can fix.
 * I2. A message without a response is sent again, after a reconnect at once; the message id makes the stream drop
 *     duplicates.
 * I3. A message that a full or unavailable stream refuses waits at the gate of its subject, with later messages of the
 *     subject behind it, and is sent again in the order of publishing. It is never dropped. Other subjects continue.
 */
export class JetStreamPublisher implements Publisher {
  private readonly inbox = createInbox();
  private readonly pending = new Map<number, Pending>();
  private readonly waiting: (() => void)[] = [];
  /** One for all callers that wait, who may be thousands. */
  private whenRoom: Promise<void> | undefined;
  private readonly gates = new Map<string, SubjectGate<Pending>>();
  private readonly sweep: NodeJS.Timeout;
  private nextToken = 0;
  /** Times that a full or unavailable stream refused a message. */
  refused = 0;
  private pendingBytes = 0;

  /** `onFull` is called when a full or unavailable stream refuses a message, once for each pause of its subject. */
  constructor(
    private readonly connection: NatsConnection,
    private readonly onFull: (subject: string) => void = () => undefined,
  ) {
    connection.subscribe(`${this.inbox}.*`, {
      callback: (_error, message) => this.onResponse(message),
    });
    this.sweep = setInterval(() => this.sendUnanswered(Date.now() - responseTimeoutMs), 1_000);
  }

  /** Does not throw: a message that cannot be sent is settled with the error. */
  publish(outgoing: Outgoing, settle: Settle): void {
    const pending: Pending = { token: this.nextToken++, outgoing, settle, sentAt: Date.now(), isHeld: false };
    this.pending.set(pending.token, pending);
    this.pendingBytes += outgoing.payload.length;
    const gate = this.gates.get(outgoing.subject);
    if (gate === undefined) this.send(pending);
    else gate.hold(pending); // I3
  }

  room(): Promise<void> | undefined {
    if (this.hasRoom()) return undefined;
    this.whenRoom ??= new Promise((resolve) => {
      this.waiting.push(() => {
        this.whenRoom = undefined;
        resolve();
      });
    });
    return this.whenRoom;
  }

  async settled(): Promise<void> {
    while (this.pending.size > 0) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** Call on every reconnect of the connection. */
  reconnected(): void {
    this.sendUnanswered(Number.POSITIVE_INFINITY);
  }

  close(): void {
    clearInterval(this.sweep);
    for (const gate of this.gates.values()) gate.close();
  }

  private hasRoom(): boolean {
    return this.pending.size < maxPendingMessages && this.pendingBytes < maxPendingBytes;
  }

  private send(pending: Pending): void {
    const { subject, id, payload, headers } = pending.outgoing;
    pending.sentAt = Date.now();
    try {
      const head = newHeaders();
      head.set('Nats-Msg-Id', id);
      if (headers !== undefined) for (const [name, value] of Object.entries(headers)) head.set(name, value);
      this.connection.publish(subject, payload, { reply: `${this.inbox}.${pending.token}`, headers: head });
    } catch (cause) {
      this.settle(pending, new StoreError('stream-failed', `${subject}: not sent: ${String(cause)}`, { cause }));
    }
  }

  private onResponse(message: Msg): void {
    const pending = this.pending.get(Number(message.subject.slice(this.inbox.length + 1)));
    if (pending === undefined) return;
    const result = parseResponse(message);
    if (result === 'refused') this.refuse(pending);
    else this.settle(pending, result);
  }

  private settle(pending: Pending, result: PublishAck | KFlowError): void {
    this.pending.delete(pending.token);
    this.pendingBytes -= pending.outgoing.payload.length;
    pending.settle(result);
    if (this.gates.size > 0) this.settleAtGate(pending);
    if (this.waiting.length === 0 || (!this.hasRoom() && this.pending.size > 0)) return;
    for (const resume of this.waiting.splice(0)) resume();
  }

  private settleAtGate(pending: Pending): void {
    const { subject } = pending.outgoing;
    const gate = this.gates.get(subject);
    if (gate === undefined) return;
    gate.settle(pending);
    if (!gate.isIdle) return;
    gate.close();
    this.gates.delete(subject);
  }

  private refuse(pending: Pending): void {
    this.refused++;
    const { subject } = pending.outgoing;
    let gate = this.gates.get(subject);
    if (gate === undefined) {
      gate = new SubjectGate({ send: (held) => this.send(held), refused: () => this.onFull(subject) });
      this.gates.set(subject, gate);
    }
    gate.refuse(pending);
  }

  private sendUnanswered(before: number): void {
    if (this.connection.isClosed()) return;
    for (const pending of this.pending.values()) {
      if (!pending.isHeld && pending.sentAt < before) this.send(pending);
    }
  }
}

interface Response {
  readonly stream?: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code?: number; readonly description?: string };
}

function parseResponse(message: Msg): PublishAck | StoreError | 'refused' {
  if (message.data.length === 0) return 'refused'; // 503: no stream listens on the subject
  const { stream = '', seq = 0, duplicate = false, error } = message.json<Response>();
  if (error === undefined) return { stream, sequence: seq, duplicate };
  const { err_code: code, description } = error;
  if (code !== undefined && transientCodes.has(code)) return 'refused';
  return new StoreError('stream-failed', `message refused: ${description} (${code})`);
}
