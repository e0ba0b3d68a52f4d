import { DiscardPolicy, type JetStreamClient, type NatsConnection, nanos, StorageType } from 'nats';
import type { FlowKey } from '../../../api-contract/flow-key';
import { pause } from '../../../async/pause';
import type { FlowEvent } from '../../../controller/flows/ports/flow-store';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { ensureStream } from '../provision';
import { callServer, quickRequests } from '../retry-request';
import { StreamReader } from '../stream-reader';

const stream = 'kflow_events';
const limits = {
  max_age: nanos(30 * 24 * 3_600_000),
  max_msgs_per_subject: 1_000,
  max_bytes: 256 * 1024 ** 2,
  /** A second event with the same id within this time is dropped. */
  duplicate_window: nanos(10 * 60_000),
};
/** Interval of reads without a message on the subscription. */
const pollIntervalMs = 1_000;

/** The event log of flows: a stream on the subjects `kflow-events.<namespace>.<jobId>.<kind>`. */
export class FlowEvents {
  private constructor(
    private readonly connection: NatsConnection,
    private readonly client: JetStreamClient,
    private readonly reader: StreamReader,
  ) {}

  static async open(connection: NatsConnection, replicas: number): Promise<FlowEvents> {
    const manager = await managerOf(connection);
    const config = { storage: StorageType.File, discard: DiscardPolicy.Old, num_replicas: replicas, ...limits };
    await ensureStream(manager, { name: stream, subjects: ['kflow-events.*.*.*'], ...config }, config);
    return new FlowEvents(
      connection,
      jetStreamOf(connection, quickRequests),
      await StreamReader.of(connection, stream),
    );
  }

  async add(event: FlowEvent): Promise<void> {
    const subject = eventSubject(event, event.kind);
    const text = JSON.stringify(event);
    await callServer(`event ${event.id}`, () => this.client.publish(subject, text, { msgID: event.id }));
  }

  async last(
    of: Partial<FlowKey>,
    { limit = Number.POSITIVE_INFINITY, kind }: { readonly limit?: number; readonly kind?: FlowEvent['kind'] },
  ): Promise<readonly FlowEvent[]> {
    return (await this.reader.last(eventSubject(of, kind), limit)).map(eventOf);
  }

  /** Resolves when the position in the log is known: yields every event that is added afterwards, until the signal. */
  async follow(of: Partial<FlowKey>, signal: AbortSignal): Promise<AsyncIterable<FlowEvent>> {
    const { last } = await this.reader.extent();
    return this.events(eventSubject(of), last + 1, signal);
  }

  /**
   * Reads events from the stream, one after another. The subscription only wakes the reader: it also receives duplicates that
   * the stream drops, and misses events that are published while the connection is down.
   */
  private async *events(subject: string, begin: number, signal: AbortSignal): AsyncIterable<FlowEvent> {
    let wake: () => void = () => undefined;
    const subscription = this.connection.subscribe(subject, { callback: () => wake() });
    let sequence = begin;
    try {
      while (!signal.aborted) {
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        // a failed read is retried: the server may be restarting
        const message = await this.reader.next(subject, sequence).catch(() => undefined);
        if (message === undefined) await Promise.race([woken, pause(pollIntervalMs, signal)]);
        else {
          sequence = message.sequence + 1;
          yield eventOf(message);
        }
      }
    } finally {
      subscription.unsubscribe();
    }
  }
}

function eventOf({ data }: { readonly data: Uint8Array }): FlowEvent {
  return JSON.parse(Buffer.from(data).toString()) as FlowEvent;
}

/** The subject of a flow's events of one kind; `*` for what is left out. */
export function eventSubject(
  { namespace = '*', jobId = '*' }: Partial<FlowKey>,
  kind: FlowEvent['kind'] | '*' = '*',
): string {
  return `kflow-events.${namespace}.${jobId}.${kind}`;
}
