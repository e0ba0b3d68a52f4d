import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  ErrorCode,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  millis,
  type NatsConnection,
  NatsError,
  nanos,
} from 'nats';
import { jetStreamOf, managerOf } from './access/jetstream-api';
import { ignoreMissing, quickRequests, readServer } from './retry-request';

/** A message stored in a stream. */
export interface StreamMessage {
  readonly subject: string;
  readonly sequence: number;
  readonly data: Uint8Array;
  /** When the server stored it, in ms since 1970. */
  readonly timeMs: number;
}

/** A delivered message as it is stored. */
export function streamMessage({ subject, seq, data, info }: JsMsg): StreamMessage {
  return { subject, sequence: seq, data, timeMs: millis(info.timestampNanos) };
}

/** The stored sequences of a stream, from `first` to `last`; none when `last` is below `first`. */
export interface StreamExtent {
  readonly first: number;
  readonly last: number;
  /** Creation time: differs when a stream of the same name was recreated. */
  readonly created: string;
}

/** Limit of messages in one request, and its timeout. */
const batch = 2_000;
const expiresMs = 2_000;

/**
 * Reads the current content of a stream from its leader. Keeps no state between calls, here or on the server, so a restart
 * of the server does no harm.
 */
export class StreamReader {
  private constructor(
    private readonly manager: JetStreamManager,
    private readonly client: JetStreamClient,
    private readonly stream: string,
  ) {}

  static async of(connection: NatsConnection, stream: string): Promise<StreamReader> {
    const manager = await managerOf(connection, quickRequests);
    return new StreamReader(manager, jetStreamOf(connection, quickRequests), stream);
  }

  async extent(): Promise<StreamExtent> {
    return this.read(async () => {
      const { state, created } = await this.manager.streams.info(this.stream);
      return { first: state.first_seq, last: state.last_seq, created };
    });
  }

  /** The first message of the subject at or after a sequence. */
  async next(subject: string, sequence: number): Promise<StreamMessage | undefined> {
    const query = { seq: sequence, next_by_subj: subject };
    return this.read(async () => {
      const found = await ignoreMissing(this.manager.streams.getMessage(this.stream, query));
      if (found === undefined) return undefined;
      return { subject: found.subject, sequence: found.seq, data: found.data, timeMs: found.time.getTime() };
    });
  }

  /** The messages of the subject from a sequence on, oldest first. */
  async from(subject: string, sequence: number): Promise<readonly StreamMessage[]> {
    return this.read(() => this.readFrom(subject, startAt(sequence)));
  }

  /** The messages of the subject that were stored since a time in ms since 1970, oldest first. */
  async since(subject: string, ms: number): Promise<readonly StreamMessage[]> {
    const opt_start_time = new Date(ms).toISOString();
    return this.read(() => this.readFrom(subject, { deliver_policy: DeliverPolicy.StartTime, opt_start_time }));
  }

  /** The last messages of the subject, oldest first. */
  async last(subject: string, limit: number): Promise<readonly StreamMessage[]> {
    const extent = await this.extent();
    const { last } = extent;
    const first = Math.max(extent.first, 1); // 0 in a stream that has never had a message
    // searches a growing range until it contains enough messages
    for (let span = 4 * limit; ; span *= 8) {
      const start = Math.max(first, last - span + 1);
      const found = await this.read(() => this.readFrom(subject, startAt(start), start === first ? 0 : limit));
      if (start === first || found.length >= limit) return found.slice(-limit);
    }
  }

  /** Returns no messages when there are fewer than `atLeast`. */
  private async readFrom(
    subject: string,
    start: Pick<ConsumerConfig, 'deliver_policy'> & Partial<ConsumerConfig>,
    atLeast = 0,
  ): Promise<readonly StreamMessage[]> {
    const { name, num_pending: pending } = await this.manager.consumers.add(this.stream, {
      ack_policy: AckPolicy.None,
      ...start,
      filter_subject: subject,
      inactive_threshold: nanos(10 * expiresMs),
      mem_storage: true,
    });
    try {
      return pending === 0 || pending < atLeast ? [] : await this.fetch(name, pending);
    } finally {
      await ignoreMissing(this.manager.consumers.delete(this.stream, name));
    }
  }

  private async fetch(name: string, count: number): Promise<readonly StreamMessage[]> {
    const consumer = await this.client.consumers.get(this.stream, name);
    const found: StreamMessage[] = [];
    while (found.length < count) {
      const before = found.length;
      const wanted = Math.min(batch, count - before);
      for await (const message of await consumer.fetch({ max_messages: wanted, expires: expiresMs })) {
        found.push(streamMessage(message));
        if (found.length === before + wanted) break;
      }
      // the server is unavailable, or messages were removed: retried by the caller
      if (found.length < before + wanted) throw NatsError.errorForCode(ErrorCode.Timeout);
    }
    return found;
  }

  private read<T>(request: () => Promise<T>): Promise<T> {
    return readServer(`stream ${this.stream}`, request);
  }
}

function startAt(sequence: number) {
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(sequence, 1) };
}
