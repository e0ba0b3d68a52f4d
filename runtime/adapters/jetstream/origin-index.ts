import type { JetStreamManager, NatsConnection } from 'nats';
import type { FunctionSpec, OutputSpec } from '../../../lib/plan/function-spec';
import { writerIdOf } from '../../engine/output-writer';
import type { Delivery } from '../../engine/ports/delivery';
import type { OriginLookup } from '../../engine/preparation';
import { managerOf } from './access/jetstream-api';
import { ackFloorOf } from './partitions/input-progress';
import { readIds } from './read-ids';
import { ignoreMissing, retryRequest } from './retry-request';

const none: ReadonlySet<number> = new Set();

/** An output stream, and its indexed range. */
interface IndexedStream {
  readonly name: string;
  fromMs: number;
  toSequence: number;
}

/**
 * Finds the outputs of a message in the output streams, for redeliveries older than the streams' dedupe window. Reads the
 * ids (headers only) of the messages published since the input was stored.
 *
 * I1. An id is read once, unless an older input than any before is looked up.
 * I2. Only outputs of unacked inputs are indexed: others are never looked up.
 */
export class OriginIndex implements OriginLookup {
  /** Output indexes by input stream and sequence. */
  private readonly published = new Map<string, Map<number, Set<number>>>();
  private readonly streams: readonly IndexedStream[];
  private readonly writer: string;
  private scanning: Promise<void> = Promise.resolve();

  constructor(
    private readonly connection: NatsConnection,
    private readonly spec: FunctionSpec,
    outputs: readonly OutputSpec[],
  ) {
    this.writer = writerIdOf(spec);
    this.streams = outputs.map(({ stream }) => ({
      name: stream,
      fromMs: Number.POSITIVE_INFINITY,
      toSequence: 0,
    }));
  }

  async publishedFor(message: Delivery): Promise<ReadonlySet<number>> {
    await this.scanSince(message.timestampMs);
    return this.published.get(message.stream)?.get(message.sequence) ?? none;
  }

  private async scanSince(ms: number): Promise<void> {
    const scan = this.scanning.then(() => retryRequest(() => this.scanAll(ms)));
    this.scanning = scan.catch(() => undefined);
    await scan;
  }

  private async scanAll(sinceMs: number): Promise<void> {
    const manager = await managerOf(this.connection);
    let floors: ReadonlyMap<string, number> | undefined;
    for (const stream of this.streams) {
      const info = await ignoreMissing(manager.streams.info(stream.name));
      if (info === undefined) continue; // removed from outside, with every output
      const { state } = info;
      if (sinceMs >= stream.fromMs && state.last_seq <= stream.toSequence) continue;
      floors ??= await this.dropAcked(manager);
      await this.scan(stream, sinceMs, floors);
      stream.fromMs = Math.min(stream.fromMs, sinceMs);
      stream.toSequence = Math.max(stream.toSequence, state.last_seq);
    }
  }

  /** Drops acked inputs (I2), and returns the ack floors of the input streams. */
  private async dropAcked(manager: JetStreamManager): Promise<ReadonlyMap<string, number>> {
    const floors = new Map<string, number>();
    for (const input of this.spec.inputs) {
      const { stream } = input;
      const ackFloor = (await ackFloorOf(manager, input)) ?? 0;
      floors.set(stream, ackFloor);
      const origins = this.published.get(stream) ?? new Map();
      for (const sequence of origins.keys()) if (sequence <= ackFloor) origins.delete(sequence);
    }
    return floors;
  }

  private async scan(stream: IndexedStream, sinceMs: number, floors: ReadonlyMap<string, number>): Promise<void> {
    const start = sinceMs >= stream.fromMs ? { after: stream.toSequence } : { sinceMs };
    await readIds(this.connection, { stream: stream.name, start }, (id) => this.add(id, floors));
  }

  /** Adds an id `<writer>:<input stream>:<input sequence>:<output index>`; ignores ids of other writers and epochs. */
  private add(id: string, floors: ReadonlyMap<string, number>): void {
    const [writer, stream = '', sequenceText, index] = id.split(':');
    const sequence = Number(sequenceText);
    if (writer !== this.writer || !(sequence > (floors.get(stream) ?? Number.POSITIVE_INFINITY))) return;
    const origins = this.published.get(stream) ?? new Map<number, Set<number>>();
    this.published.set(stream, origins);
    const indexes = origins.get(sequence) ?? new Set<number>();
    origins.set(sequence, indexes.add(Number(index)));
  }
}
