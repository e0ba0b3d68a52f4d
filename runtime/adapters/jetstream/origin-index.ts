import { DeliverPolicy, type NatsConnection } from 'nats';
import type { FunctionSpec, OutputSpec } from '../../../lib/plan/function-spec';
import type { Delivery } from '../../engine/delivery';
import { originOf } from '../../engine/origin';
import type { OriginLookup } from '../../engine/preparation';
import { patiently } from './patiently';

const none: ReadonlySet<number> = new Set();

/**
 * Which outputs of a message are in the output stream already, for redeliveries that are older than the stream's dedupe
 * window. Reads the ids (headers only) of what was published since the message came in, once for all messages.
 */
export class OriginIndex implements OriginLookup {
  private readonly byOrigin = new Map<string, Set<number>>();
  private scannedFromMs = Number.POSITIVE_INFINITY;
  private scannedTo = 0;
  private scanning: Promise<void> = Promise.resolve();

  constructor(
    private readonly connection: NatsConnection,
    private readonly spec: FunctionSpec,
    private readonly output: OutputSpec,
  ) {}

  async publishedFor(message: Delivery): Promise<ReadonlySet<number>> {
    const scan = this.scanning.then(() => patiently(() => this.scan(message.timestampMs)));
    this.scanning = scan.catch(() => undefined);
    await scan;
    return this.byOrigin.get(originOf(this.spec, message)) ?? none;
  }

  private async scan(sinceMs: number): Promise<void> {
    const manager = await this.connection.jetstreamManager({ checkAPI: false });
    const { state } = await manager.streams.info(this.output.stream);
    if (sinceMs >= this.scannedFromMs && state.last_seq <= this.scannedTo) return;
    this.scannedFromMs = Math.min(sinceMs, this.scannedFromMs);
    if (state.messages === 0) return;
    const consumer = await this.connection.jetstream().consumers.get(this.output.stream, {
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: new Date(this.scannedFromMs).toISOString(),
      headers_only: true,
    });
    if ((await consumer.info(true)).num_pending === 0) return;
    const messages = await consumer.consume({ max_messages: 5_000 });
    for await (const message of messages) {
      this.note(message.headers?.get('Nats-Msg-Id') ?? '');
      this.scannedTo = message.seq;
      if (message.info.pending === 0) break;
    }
    await messages.close();
  }

  private note(id: string): void {
    const at = id.lastIndexOf(':');
    const origin = id.slice(0, at);
    const indexes = this.byOrigin.get(origin) ?? new Set<number>();
    this.byOrigin.set(origin, indexes.add(Number(id.slice(at + 1))));
  }
}
