import { type JetStreamManager, type NatsConnection, NatsError, type StoredMsg, type Subscription } from 'nats';
import type { FunctionSpec } from '../../../../lib/plan/function-spec';
import { redriveNoticeSubject, redriveStream, redriveSubject } from '../../../../lib/plan/names';
import { indexesOf } from '../../../engine/letters/index-set';
import { decodeLetter } from '../../../engine/letters/letter-headers';
import { joinHistories } from '../../../engine/letters/letter-history';
import type { Delivery, Redriven, RedriveSource } from '../../../engine/ports/delivery';
import type { LogLevel } from '../../../engine/ports/host';
import type { AckLedger } from '../ack-ledger';
import { MessagePuller } from '../message-puller';
import { ignoreMissing, retryRequest } from '../retry-request';
import { consumerProgress } from '../stream-trimmer';
import { headerOf } from './read-letters';
import { parseCommand, type RedriveCommand } from './redrive-command';
import { readRedrive } from './redrive-log';

/** Letters that are fetched, or wait for their time. */
const maxWaiting = 16;
/** How often to look for a redrive that the replica was not told of. */
const lookEveryMs = 30_000;
/** The lease of a letter that waits is renewed this often; the consumer's ackWait is three times as long. */
const renewEveryMs = 5_000;
const retryMs = 5_000;
/** Longest delay of a timer. */
const maxTimerMs = 2 ** 31 - 1;

/** A redrive whose letter is not delivered yet; with a timer until its time has come. */
interface Waiting {
  readonly command: RedriveCommand;
  readonly timer: NodeJS.Timeout | undefined;
}

export interface RedriveDeliveriesProps {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly acks: AckLedger;
  readonly spec: FunctionSpec;
  readonly log: (level: LogLevel, text: string) => void;
}

/**
 * Delivers the letters of a function that somebody redrives. The stream of redrives names them; the letters themselves stay
 * where they are until they are processed.
 *
 * I1. A letter is removed after its outputs are stored, or after the letter of its new failure is; its redrive is acked after
 *     that. A redrive without its letter is done.
 * I2. A letter is delivered not before its time, and its lease is renewed until then.
 * I3. Without a redrive, this costs a subscription and a request in half a minute: the stream and its consumer are created by
 *     the first one.
 */
export class RedriveDeliveries implements RedriveSource {
  private puller: MessagePuller | undefined;
  private readonly notices: Subscription[] = [];
  private readonly timers: NodeJS.Timeout[] = [];
  /** Redrives whose letters are not delivered yet. */
  private readonly waiting = new Map<Delivery, Waiting>();
  private readonly ending = new Set<Promise<void>>();
  private readonly room = { messages: 0, bytes: 0 };
  private onDelivery: (input: number, delivery: Delivery) => void = () => undefined;
  private isLooking = false;
  private isStopped = false;
  private readonly stream: string;

  constructor(private readonly props: RedriveDeliveriesProps) {
    this.stream = redriveStream(props.spec);
  }

  start(onDelivery: (input: number, delivery: Delivery) => void): void {
    const { connection, spec } = this.props;
    this.onDelivery = onDelivery;
    this.notices.push(
      connection.subscribe(redriveSubject(spec, spec.function), { callback: () => void this.look() }),
      connection.subscribe(redriveNoticeSubject(spec, spec.function), {
        callback: (_error, { data }) => this.dropCanceled(Buffer.from(data).toString()),
      }),
    );
    this.timers.push(
      setInterval(() => void this.look(), lookEveryMs),
      setInterval(() => this.renewLeases(), renewEveryMs),
    );
    void this.look();
  }

  demand(messages: number, bytes: number): void {
    Object.assign(this.room, { messages, bytes });
    this.pull();
  }

  stop(): void {
    this.isStopped = true;
    for (const timer of this.timers) clearInterval(timer);
    for (const notice of this.notices) notice.unsubscribe();
    for (const [message, { timer }] of this.waiting) {
      clearTimeout(timer);
      message.nak(0);
    }
    this.waiting.clear();
    this.puller?.stop();
  }

  /** Call on every reconnect of the connection. */
  reconnected(): void {
    this.puller?.reconnected();
    void this.look();
  }

  /** Whether no letter of the function is to be processed again, but for `unacked` at most that were delivered. */
  async isDone(unacked: number): Promise<boolean> {
    if (this.waiting.size > 0 || this.ending.size > 0) return false;
    const { manager, spec } = this.props;
    const progress = await ignoreMissing(consumerProgress(manager, this.stream, spec.function));
    return progress === undefined || (progress.pending === 0 && progress.ackPending <= unacked);
  }

  /** Resolves when the letters that were processed are removed. */
  async settled(): Promise<void> {
    while (this.ending.size > 0) await Promise.all(this.ending);
  }

  /** Begins to pull when there is a consumer of redrives. */
  private async look(): Promise<void> {
    if (this.puller !== undefined || this.isLooking || this.isStopped || this.notices.length === 0) return;
    this.isLooking = true;
    const { connection, manager, acks, spec, log } = this.props;
    try {
      const found = await ignoreMissing(consumerProgress(manager, this.stream, spec.function));
      if (found === undefined || this.isStopped) return;
      const puller = new MessagePuller(connection, acks, { stream: this.stream, durable: spec.function });
      this.puller = puller;
      puller.onConsumerLost(() => this.lose(puller));
      puller.start((message) => this.receive(message));
      this.pull();
    } catch (error) {
      log('DEBUG', `cannot look for redrives: ${(error as Error).message}`);
      setTimeout(() => void this.look(), retryMs).unref();
    } finally {
      this.isLooking = false;
    }
  }

  /** The consumer, or its stream, was removed. */
  private lose(puller: MessagePuller): void {
    if (this.puller !== puller) return;
    puller.abandon();
    this.puller = undefined;
    for (const { timer } of this.waiting.values()) clearTimeout(timer);
    this.waiting.clear();
  }

  /** Letters of a canceled redrive that wait for their time, and were not begun before, stay letters. */
  private dropCanceled(redrive: string): void {
    for (const [message, { timer, command }] of this.waiting) {
      if (command.redrive !== redrive || timer === undefined || message.deliveries > 1) continue;
      clearTimeout(timer);
      this.waiting.delete(message);
      message.ack();
    }
    this.pull();
  }

  private pull(): void {
    const messages = Math.min(this.room.messages, maxWaiting) - this.waiting.size;
    if (messages > 0) this.puller?.demand(messages, this.room.bytes);
  }

  private receive(message: Delivery): void {
    if (this.isStopped) {
      message.nak(0);
      return;
    }
    const command = parseCommand(message.payload);
    if (command === undefined) {
      message.ack();
      return;
    }
    this.schedule(message, command);
  }

  private schedule(message: Delivery, command: RedriveCommand): void {
    const waitMs = Math.min((command.notBeforeMs ?? 0) - Date.now(), maxTimerMs);
    const timer = waitMs > 0 ? setTimeout(() => this.schedule(message, command), waitMs) : undefined;
    this.waiting.set(message, { command, timer }); // I2
    if (timer === undefined) void this.load(message, command);
  }

  private async load(message: Delivery, command: RedriveCommand): Promise<void> {
    const { manager, spec, log } = this.props;
    const { letter } = command;
    try {
      if (message.deliveries === 1 && (await this.isCanceled(command.redrive))) {
        if (this.waiting.delete(message)) message.ack();
        this.pull();
        return;
      }
      const { stream } = spec.deadLetters;
      const stored = await retryRequest(() => ignoreMissing(manager.streams.getMessage(stream, { seq: letter })));
      if (!this.waiting.delete(message)) return; // given back, or lost
      if (stored === undefined)
        message.ack(); // I1
      else this.deliver(message, command, stored);
    } catch (error) {
      log('WARNING', `the dead letter ${letter} cannot be read: ${(error as Error).message}; retrying`);
      if (this.waiting.delete(message)) message.nak(retryMs);
    }
    this.pull();
  }

  private deliver(message: Delivery, command: RedriveCommand, stored: StoredMsg): void {
    const { spec, log } = this.props;
    const facts = decodeLetter(headerOf(stored.header));
    const input = spec.inputs.findIndex(({ stream }) => stream === facts.stream);
    if (facts.function !== spec.function || input < 0) {
      const reason = `it is of ${facts.stream}, which is not an input`;
      log('ERROR', `the dead letter ${command.letter} cannot be processed again, ${reason}; the letter is kept`);
      message.ack();
      return;
    }
    const { redrive: id, by, at, comment, letter } = command;
    const note = { id, by, at, ...(comment === undefined ? {} : { comment }) };
    const redriven: Redriven = {
      letter,
      id,
      writer: facts.writer,
      storedAt: facts.storedAt,
      stored: indexesOf(facts.stored),
      history: joinHistories(facts.history, { attempts: [], redrives: [note] }),
    };
    const { stream, sequence, key, traceparent, tracestate } = facts;
    const record = {
      stream,
      sequence,
      payload: stored.data,
      redriven,
      ...(key === undefined ? {} : { key }),
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(tracestate === undefined ? {} : { tracestate }),
    };
    this.onDelivery(
      input,
      redrivenDelivery(message, record, () => this.end(message, letter)),
    );
  }

  private async isCanceled(redrive: string): Promise<boolean> {
    const { manager, spec } = this.props;
    return (await readRedrive(manager, spec.stateBucket, redrive))?.canceledAt !== undefined;
  }

  /** Removes a letter, then acks its redrive (I1). */
  private end(message: Delivery, letter: number): void {
    const { log } = this.props;
    const ending: Promise<void> = this.remove(letter)
      .then(() => message.ack())
      .catch((error) => {
        log('WARNING', `the dead letter ${letter} was processed and cannot be removed: ${(error as Error).message}`);
        message.nak(retryMs);
      })
      .finally(() => this.ending.delete(ending));
    this.ending.add(ending);
  }

  private remove(letter: number): Promise<void> {
    const { manager, spec } = this.props;
    return retryRequest(() => removeLetter(manager, spec.deadLetters.stream, letter));
  }

  private renewLeases(): void {
    for (const message of this.waiting.keys()) message.working();
  }
}

/** Removes a letter; one that is gone already is no error. */
export async function removeLetter(manager: JetStreamManager, stream: string, letter: number): Promise<void> {
  try {
    await manager.streams.deleteMessage(stream, letter, false);
  } catch (error) {
    if (!(error instanceof NatsError) || error.api_error === undefined) throw error;
    // the server has no error code of its own for a message that does not exist
    if ((await ignoreMissing(manager.streams.getMessage(stream, { seq: letter }))) !== undefined) throw error;
  }
}

/** A letter, delivered by the message that redrives it. */
function redrivenDelivery(
  message: Delivery,
  record: Pick<Delivery, 'stream' | 'sequence' | 'payload' | 'redriven' | 'key' | 'traceparent' | 'tracestate'>,
  end: () => void,
): Delivery {
  const { deliveries, timestampMs, handle } = message;
  return {
    ...record,
    deliveries,
    timestampMs,
    handle,
    ack: end,
    nak: (delayMs) => message.nak(delayMs),
    working: () => message.working(),
  };
}
