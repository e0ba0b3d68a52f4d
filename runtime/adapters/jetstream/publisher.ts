import { createInbox, type Msg, type NatsConnection, headers as newHeaders } from 'nats';
import { type KFlowError, StoreError } from '../../../lib/errors';
import type { Outgoing, PublishAck, Publisher } from '../../engine/ports/publisher';
import { type GatedMessage, SubjectGate } from './subject-gate';

type Settle = (result: PublishAck | KFlowError) => void;

interface Pending extends GatedMessage {
  readonly outgoing: Outgoing;
  readonly settle: Settle;
  sentAt: number;
}

/** Bytes and messages not yet settled above which `room` makes a producer wait. */
const maxPendingMessages = 4_096;
const maxPendingBytes = 24 * 1024 * 1024;

const answerPatienceMs = 5_000;
/** JetStream's error for a message that did not fit the stream's limits. */
const streamFull = 10_077;
/** JetStream's errors that pass: no leader, no resources for the moment, stream offline, the same id just being stored. */
const passing = new Set([streamFull, 10_023, 10_028, 10_047, 10_008, 10_074, 10_118, 10_158]);

/**
 * Publishes to streams with one shared reply inbox: every message carries a token in its reply subject, and the
 * stream's answer is matched to the message by it.
 *
 * I1. A publish is settled once: stored (also when the stream had it already), or failed for good.
 * I2. What is unanswered is sent again, after a reconnect at once; the message id makes the second one a no-op.
 * I3. A stream that is full, or not there for the moment, refuses; the message waits at its subject's gate, later ones of
 *     the subject behind it, and is sent again in the order of publishing. It is never dropped. Other subjects go on.
 */
export class JetStreamPublisher implements Publisher {
  private readonly inbox = createInbox();
  private readonly pending = new Map<number, Pending>();
  private readonly waiting: (() => void)[] = [];
  private readonly gates = new Map<string, SubjectGate<Pending>>();
  private readonly sweep: NodeJS.Timeout;
  private nextToken = 0;
  private pendingBytes = 0;

  /** `onFull` is called when a stream refuses, once for each pause that follows: it is full, or not there. */
  constructor(
    private readonly connection: NatsConnection,
    private readonly onFull: (subject: string) => void = () => undefined,
  ) {
    connection.subscribe(`${this.inbox}.*`, {
      callback: (_error, message) => this.onAnswer(message),
    });
    this.sweep = setInterval(() => this.sendUnanswered(Date.now() - answerPatienceMs), 1_000);
  }

  /** Sends; `settle` is called once. Throws nothing: what cannot be sent at all is settled with the error. */
  publish(outgoing: Outgoing, settle: Settle): void {
    const pending: Pending = { token: this.nextToken++, outgoing, settle, sentAt: Date.now(), isHeld: false };
    this.pending.set(pending.token, pending);
    this.pendingBytes += outgoing.payload.length;
    const gate = this.gates.get(outgoing.subject);
    if (gate === undefined) this.send(pending);
    else gate.hold(pending); // I3
  }

  /** Undefined when there is room for more, else a promise of it. */
  room(): Promise<void> | undefined {
    if (this.hasRoom()) return undefined;
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Resolves when everything published so far is settled. */
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

  private onAnswer(message: Msg): void {
    const pending = this.pending.get(Number(message.subject.slice(this.inbox.length + 1)));
    if (pending === undefined) return;
    const answer = readAnswer(message);
    if (answer === 'refused') this.refuse(pending);
    else this.settle(pending, answer);
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

interface Answer {
  readonly stream?: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code?: number; readonly description?: string };
}

function readAnswer(message: Msg): PublishAck | StoreError | 'refused' {
  if (message.data.length === 0) return 'refused'; // 503: nobody listens on the subject for the moment
  const answer = message.json<Answer>();
  if (answer.error === undefined) {
    return { stream: answer.stream ?? '', sequence: answer.seq ?? 0, duplicate: answer.duplicate === true };
  }
  const { err_code: code, description } = answer.error;
  if (code !== undefined && passing.has(code)) return 'refused';
  return new StoreError('stream-failed', `the stream refused a message: ${description} (${code})`);
}
