import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { Backoff } from '../../async/backoff';
import { pause } from '../../async/pause';
import { cutText } from '../failures';
import type { HeldRecord } from '../held-records';
import { originOf } from '../output-writer';
import type { Failure, LogLevel, SchemaSource } from '../ports/host';
import { RecordCodecs } from '../record-codecs';
import type { TraceContext } from '../trace/trace-context';
import { errorReport } from './error-report';

/** The report of a failed attempt, which keeps the trace of its record. */
export interface ErrorMessage {
  readonly id: string;
  readonly payload: Uint8Array;
  readonly trace: TraceContext;
}

/** The server with the streams of errors. */
export interface ErrorPublisher {
  /** Bytes of the largest message that it takes; undefined while it is not connected. */
  maxPayload(): number | undefined;
  /** Resolves when the message is stored. Rejects when it is not: the server is away, the stream is missing or full. */
  publish(subject: string, message: ErrorMessage): Promise<void>;
}

/** What became of the reports, for the metrics. */
export interface ErrorCounts {
  sent: number;
  dropped: number;
}

export interface ErrorStreamPorts {
  readonly spec: FunctionSpec;
  readonly topics: readonly string[];
  readonly podName: string;
  readonly publisher: ErrorPublisher;
  readonly schemas: SchemaSource;
  readonly counts: ErrorCounts;
  readonly log: (level: LogLevel, text: string) => void;
}

/** A failed attempt that is not reported yet. */
interface Waiting {
  readonly id: string;
  readonly payload: Uint8Array;
  readonly failure: Failure;
  readonly trace: TraceContext;
  readonly timestamp: string;
}

/** Reports that wait, and the bytes of their records. */
const maxWaiting = 1_000;
const maxWaitingBytes = 16 * 1024 * 1024;
/** Reports that are sent at the same time. */
const maxSending = 32;
const retryDelays = { firstMs: 500, maxMs: 15_000 };
const tellEveryMs = 30_000;
const maxReason = 300;
/** Room for headers below the limit of the server. */
const headerRoom = 1024;

/**
 * Sends a report of each failed attempt to the subjects of an error side stream.
 *
 * E1. The flow never waits for it: what is more than the queue holds is dropped, oldest first. What is dropped is counted, and
 *     told in the log at most every 30 s.
 * E2. A report that cannot be sent waits, and is sent again; the id of an attempt makes the stream store its report once.
 */
export class ErrorStream {
  private queue: Waiting[] = [];
  private bytes = 0;
  private running: Promise<void> | undefined;
  private readonly codecs: RecordCodecs;
  private readonly delays = new Backoff(retryDelays);
  private readonly closing = new AbortController();
  private toldAtMs = Number.NEGATIVE_INFINITY;
  private untold = 0;

  constructor(private readonly ports: ErrorStreamPorts) {
    this.codecs = new RecordCodecs(ports.schemas);
  }

  /** Reports a failed attempt of a record. Returns at once. */
  report({ delivery, payload, trace }: HeldRecord, failure: Failure): void {
    const id = `error:${originOf(this.ports.spec, delivery)}:${delivery.deliveries}:${delivery.timestampMs}`;
    this.queue.push({ id, payload, failure, trace, timestamp: new Date().toISOString() });
    this.bytes += payload.length;
    while (this.queue.length > maxWaiting || (this.bytes > maxWaitingBytes && this.queue.length > 1)) this.dropOldest();
    this.running ??= this.run().finally(() => {
      this.running = undefined;
    });
  }

  /** Sends what waits, for at most this long. */
  async close(withinMs: number): Promise<void> {
    const limit = new AbortController();
    await Promise.race([this.running, pause(withinMs, limit.signal)]);
    limit.abort();
    this.closing.abort();
    const left = this.queue.length;
    this.drop(left, 'the replica has ended');
    this.queue = [];
    if (left > 0) this.tell('the replica has ended', true);
  }

  private async run(): Promise<void> {
    while (this.queue.length > 0 && !this.closing.signal.aborted) {
      const batch = this.queue.slice(0, maxSending);
      const failures = (await Promise.all(batch.map((each) => this.send(each)))).filter(
        (reason) => reason !== undefined,
      );
      if (failures[0] === undefined) this.delays.reset();
      else {
        this.tell(failures[0]);
        await pause(this.delays.next(), this.closing.signal);
      }
    }
  }

  /** Sends one report to every topic; returns why it waits. */
  private async send(waiting: Waiting): Promise<string | undefined> {
    const { topics, publisher, counts } = this.ports;
    try {
      const report = await this.render(waiting);
      const { id, trace } = waiting;
      const messageOf = (topic: string) => ({ id: `${id}:${topic}`, payload: report, trace });
      await Promise.all(topics.map((topic) => publisher.publish(topic, messageOf(topic))));
    } catch (error) {
      return cutText((error as Error).message, maxReason);
    }
    const at = this.queue.indexOf(waiting);
    if (at < 0) return undefined; // dropped meanwhile, and sent nevertheless
    this.queue.splice(at, 1);
    this.bytes -= waiting.payload.length;
    counts.sent++;
    return undefined;
  }

  private async render(waiting: Waiting): Promise<Uint8Array> {
    const { spec, podName, publisher } = this.ports;
    const { failure, timestamp } = waiting;
    const textOf = (payload: string) =>
      Buffer.from(JSON.stringify(errorReport(spec, failure, { payload, podName, timestamp })));
    const report = textOf(await this.payloadOf(waiting));
    const limit = publisher.maxPayload();
    return limit === undefined || report.length <= limit - headerRoom ? report : textOf('');
  }

  private async payloadOf({ payload, failure }: Waiting): Promise<string> {
    const encoded = () => Buffer.from(payload).toString('base64');
    if (failure.payloadAsJson !== true) return encoded();
    try {
      const codec = await this.codecs.of(payload);
      return codec.json(codec.decode(payload));
    } catch {
      return encoded(); // a record that cannot be read is reported as it came
    }
  }

  private dropOldest(): void {
    this.bytes -= this.queue.shift()?.payload.length ?? 0;
    this.drop(1, 'more errors than can wait');
  }

  private drop(count: number, reason: string): void {
    this.ports.counts.dropped += count;
    this.untold += count;
    if (count > 0) this.tell(reason);
  }

  private tell(reason: string, isLast = false): void {
    const nowMs = Date.now();
    if (!isLast && nowMs - this.toldAtMs < tellEveryMs) return;
    this.toldAtMs = nowMs;
    const dropped = this.untold === 0 ? '' : `, ${this.untold} were dropped`;
    this.untold = 0;
    const where = this.ports.topics.join(', ');
    this.ports.log('WARNING', `error side stream ${where}: ${this.queue.length} errors wait${dropped}: ${reason}`);
  }
}
