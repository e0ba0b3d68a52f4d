import { pause } from '../async/pause';
import { ConsumerFlags } from './consumer-flags';
import { Controller } from './controller';
import { DeliveredRun, maxDeliveries } from './delivered-run';
import { Message } from './messages/message';
import { TransportError } from './messages/operation-error';
import { Result } from './messages/result';
import { openTracing } from './observe/open-tracing';
import { writeLog } from './observe/task-log';
import { openMetrics } from './observe/task-metrics';
import { Producer, type ProducerProps } from './producer';
import type { Delivery } from './transport/transport';

/** How long a request for a message waits: as long as it takes, at most, until a flag is seen. */
const pollMs = 500;
const signals = ['SIGTERM', 'SIGINT', 'SIGUSR1', 'SIGUSR2'] as const;

export interface ConsumerProps extends ProducerProps {
  /** Messages that are run at once. Default: 1, so that they run in their order. */
  readonly concurrency?: number;
}

/**
 * Takes messages of topics and runs them, one at a time or up to its `concurrency` at once, until it is ended: by its flag
 * (`ConsumerFlags`), by SIGTERM or SIGINT, or by `terminate`. It ends after the messages that it has taken, and is paused so: by
 * its flag, or from SIGUSR1 until SIGUSR2.
 *
 * I1. A message is acked after its result, and what follows from it, are stored. A consumer that dies before does not lose it.
 * I2. No message ends the consumer.
 */
export class Consumer {
  /** What the messages ask for. */
  registry = new Controller();
  private readonly topics: readonly string[];
  private readonly producer: Producer;
  private readonly flags: ConsumerFlags;
  private readonly env: NodeJS.ProcessEnv;
  private readonly concurrency: number;
  private readonly ended = new AbortController();
  private readonly running = new Map<Delivery, Message>();
  private isPaused = false;

  /** Throws RangeError for a concurrency that is no whole number, or below 1. */
  constructor(topics: string | readonly [string, ...string[]], { concurrency = 1, ...props }: ConsumerProps = {}) {
    if (!Number.isInteger(concurrency) || concurrency < 1)
      throw new RangeError(`Consumer: want a concurrency of 1 or more, got ${concurrency}`);
    this.concurrency = concurrency;
    this.topics = typeof topics === 'string' ? [topics] : topics;
    this.env = { ...process.env, ...props.config };
    this.producer = new Producer(props);
    this.flags = new ConsumerFlags(this.env);
  }

  /** Ends the consumer after the messages that it runs. */
  terminate(): void {
    this.ended.abort();
  }

  /** Runs until the consumer is ended. Resolves with 0, the exit status. */
  async run(): Promise<number> {
    const tracing = await openTracing(this.env);
    await openMetrics(this.env);
    this.flags.open();
    const listener = (signal: NodeJS.Signals) => this.onSignal(signal);
    for (const signal of signals) process.on(signal, listener);
    writeLog('INFO', `Consumer.Starting... topics ${this.topics.join(', ')}, flags in ${this.flags.folder}`);
    const loops = Array.from({ length: this.concurrency }, () => this.runAll());
    try {
      await Promise.all(loops);
    } finally {
      this.terminate();
      await Promise.allSettled(loops);
      for (const signal of signals) process.off(signal, listener);
      await this.producer.close();
      await tracing?.close();
    }
    writeLog('INFO', 'Consumer.Ended');
    return 0;
  }

  private async runAll(): Promise<void> {
    while (!this.isOver) {
      if (!(await this.runNext()) && this.isHeld) await pause(pollMs, this.ended.signal);
    }
  }

  /** Runs one message. False: none came, the consumer is paused, or the transport is away. */
  async runNext(timeoutMs = pollMs): Promise<boolean> {
    if (this.isHeld) return false;
    try {
      const delivery = await (await this.producer.transport()).next(this.topics, timeoutMs);
      if (delivery === undefined) return false;
      if (!this.isHeld && !this.isOver) {
        await this.handle(delivery);
        return true;
      }
      await delivery.release();
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      writeLog('ERROR', `Consumer.Transport: ${error.message}`, { error });
      await pause(pollMs, this.ended.signal);
    }
    return false;
  }

  private async handle(delivery: Delivery): Promise<void> {
    try {
      const message = await this.messageOf(delivery);
      if (message instanceof Message) {
        this.running.set(delivery, message);
        this.note();
        await new DeliveredRun(this.registry, this.producer, delivery).run(message);
      }
      await delivery.ack();
    } catch (error) {
      await this.abandon(delivery, error);
    } finally {
      this.running.delete(delivery);
      this.note();
    }
  }

  private async messageOf(delivery: Delivery): Promise<Message | Result> {
    let text: string;
    try {
      text = await delivery.payload();
    } catch (error) {
      return this.registry.rejected('', error);
    }
    return this.registry.parse(text);
  }

  /** A message that could not be finished is delivered again; one that never can be, not for ever. */
  private async abandon(delivery: Delivery, error: unknown): Promise<void> {
    const isAway = error instanceof TransportError;
    const result = Result.fromException(error);
    writeLog('ERROR', `Consumer.${isAway ? 'Transport' : 'Failed'}: ${result}; the message will be delivered again`, {
      result,
    });
    await pause(pollMs, this.ended.signal);
    const settled = !isAway && delivery.deliveries > maxDeliveries ? delivery.ack() : delivery.release();
    await settled.catch((cause) => writeLog('ERROR', `Consumer.Transport: ${cause}`, { error: cause }));
  }

  private note(): void {
    try {
      this.flags.note([...this.running.values()].join('\n'));
    } catch (error) {
      writeLog('ERROR', `Consumer.Flags: ${error}`, { error });
    }
  }

  private onSignal(signal: NodeJS.Signals): void {
    if (signal === 'SIGUSR1') this.isPaused = true;
    else if (signal === 'SIGUSR2') this.isPaused = false;
    else this.terminate();
  }

  private get isHeld(): boolean {
    return this.isPaused || this.flags.isPaused;
  }

  private get isOver(): boolean {
    return this.ended.signal.aborted || this.flags.isTerminated;
  }
}
