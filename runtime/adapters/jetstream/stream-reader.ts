import {
  AckPolicy,
  DeliverPolicy,
  ErrorCode,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
  NatsError,
  nanos,
} from 'nats';
import { readServer } from './ask-server';
import { ignoreMissing } from './provision';
import { quickRequests } from './retry-request';

/** A message that a stream holds. */
export interface StreamMessage {
  readonly subject: string;
  readonly sequence: number;
  readonly data: Uint8Array;
}

/** What a stream holds: sequences from `first` to `last`, none of them when `last` is below `first`. */
export interface StreamExtent {
  readonly first: number;
  readonly last: number;
  /** Another one of the same name has another time. */
  readonly created: string;
}

/** Messages that one request asks for at most, and how long it waits for them. */
const batch = 2_000;
const expiresMs = 2_000;

/**
 * Reads what a stream holds at the moment, at its leader. Nothing is kept between calls, here or on the server, so that
 * no restart of the server matters.
 */
export class StreamReader {
  private constructor(
    private readonly manager: JetStreamManager,
    private readonly client: JetStreamClient,
    private readonly stream: string,
  ) {}

  static async of(connection: NatsConnection, stream: string): Promise<StreamReader> {
    const manager = await connection.jetstreamManager(quickRequests);
    return new StreamReader(manager, connection.jetstream(quickRequests), stream);
  }

  async extent(): Promise<StreamExtent> {
    return this.ask(async () => {
      const { state, created } = await this.manager.streams.info(this.stream);
      return { first: state.first_seq, last: state.last_seq, created };
    });
  }

  /** The first message of the subject at or behind a sequence. */
  async next(subject: string, sequence: number): Promise<StreamMessage | undefined> {
    const query = { seq: sequence, next_by_subj: subject };
    return this.ask(async () => {
      const found = await ignoreMissing(this.manager.streams.getMessage(this.stream, query));
      return found === undefined ? undefined : { subject: found.subject, sequence: found.seq, data: found.data };
    });
  }

  /** The subject's messages from a sequence on, the oldest first. */
  async from(subject: string, sequence: number): Promise<readonly StreamMessage[]> {
    return this.ask(() => this.readFrom(subject, sequence, 0));
  }

  /** The subject's last messages, the oldest first. */
  async last(subject: string, limit: number): Promise<readonly StreamMessage[]> {
    const { first, last } = await this.extent();
    // looks back further and further, until there are enough
    for (let span = 4 * limit; ; span *= 8) {
      const start = Math.max(first, last - span + 1, 1);
      const found = await this.ask(() => this.readFrom(subject, start, start <= first ? 0 : limit));
      if (start <= first || found.length >= limit) return found.slice(-limit);
    }
  }

  /** None at all when there are fewer than `atLeast`. */
  private async readFrom(subject: string, sequence: number, atLeast: number): Promise<readonly StreamMessage[]> {
    const { name, num_pending: pending } = await this.manager.consumers.add(this.stream, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: Math.max(sequence, 1),
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
        found.push({ subject: message.subject, sequence: message.seq, data: message.data });
        if (found.length === before + wanted) break;
      }
      // the server went away, or some were removed meanwhile: to be asked again
      if (found.length < before + wanted) throw NatsError.errorForCode(ErrorCode.Timeout);
    }
    return found;
  }

  private ask<T>(request: () => Promise<T>): Promise<T> {
    return readServer(`stream ${this.stream}`, request);
  }
}
