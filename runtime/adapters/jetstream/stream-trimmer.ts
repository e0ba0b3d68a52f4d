import type { JetStreamManager, NatsConnection } from 'nats';
import type { OutputSpec } from '../../../lib/plan/function-spec';
import { type ConsumerRef, consumersOf } from '../../../lib/plan/partitions';
import type { ConsumerProgress } from '../../engine/completion';
import { isTight, planTrim } from '../../engine/plan-trim';
import { jetStreamOf, managerOf, valueSubject } from './access/jetstream-api';
import { readFloorNote } from './keepers/floor-notes';
import { emptyUpTo } from './partitions/empty-up-to';
import { readKey } from './read-run';
import { retryRequest } from './retry-request';

/** The part of a stream that its writer has purged. */
interface Trim {
  /** Creation time of the stream. */
  readonly stream: string;
  /** The first sequence that was kept. */
  readonly to: number;
}

interface Stored {
  readonly created: string;
  /** Last sequence of the stream. */
  readonly last: number;
}

/**
 * Makes room in a stream by purging messages up to the lowest ack floor of its readers, never beyond.
 *
 * I1. A consumer that somebody recreated may have a higher floor than its reader has noted: the lower one counts.
 * I2. A purge is noted in the flow's state before it is done, so that readers can tell it from records that somebody removed.
 * I3. A partition without new messages does not keep those of others: its floor is below its next message.
 */
export class StreamTrimmer {
  private trimming = false;

  constructor(
    private readonly connection: NatsConnection,
    private readonly output: OutputSpec,
    /** Without it, purges are not noted, and noted floors not respected. */
    private readonly stateBucket?: string,
  ) {}

  /** Returns the number of purged messages; 0 at once while another trim is in progress. */
  async trim(): Promise<number> {
    if (this.trimming) return 0;
    this.trimming = true;
    try {
      return await this.trimOnce(await managerOf(this.connection));
    } finally {
      this.trimming = false;
    }
  }

  private async trimOnce(manager: JetStreamManager): Promise<number> {
    const { stream } = this.output;
    const { state, config, created } = await manager.streams.info(stream);
    const fill = {
      messages: state.messages,
      bytes: state.bytes,
      firstSequence: state.first_seq,
      lastSequence: state.last_seq,
      maxMsgs: config.max_msgs,
      maxBytes: config.max_bytes,
      largestMessage: this.connection.info?.max_payload ?? 1024 * 1024,
    };
    if (!isTight(fill)) return 0;
    const stored = { created: String(created), last: state.last_seq };
    const floors = await Promise.all(this.readers().map((reader) => this.floorOf(manager, reader, stored)));
    const keepFrom = planTrim({ ...fill, ackFloors: floors });
    if (keepFrom === undefined) return 0;
    await this.noteTrim({ stream: String(created), to: keepFrom }); // I2
    return (await manager.streams.purge(stream, { seq: keepFrom })).purged;
  }

  private readers(): readonly ConsumerRef[] {
    const { stream, subject, durables, partitions } = this.output;
    return durables.flatMap((durable) => consumersOf({ stream, subject, durable, partitions: partitions?.count }));
  }

  private async floorOf(manager: JetStreamManager, reader: ConsumerRef, stored: Stored): Promise<number> {
    const { stream, subject, durable, partition } = reader;
    const { ackFloor } = await consumerProgress(manager, stream, durable);
    const note =
      this.stateBucket === undefined ? undefined : await readFloorNote(manager, this.stateBucket, { stream, durable });
    const floor = note?.stream === stored.created ? Math.min(ackFloor, note.floor) : ackFloor; // I1
    return partition === undefined ? floor : emptyUpTo(manager, { stream, subject, after: floor, last: stored.last }); // I3
  }

  private async noteTrim(trim: Trim): Promise<void> {
    if (this.stateBucket === undefined) return;
    const subject = valueSubject(this.connection, this.stateBucket, trimKey(this.output.stream));
    await jetStreamOf(this.connection).publish(subject, JSON.stringify(trim));
  }
}

/** The first sequence that a stream's writer has kept; 0 when it has purged none. */
export async function readTrim(
  manager: JetStreamManager,
  stateBucket: string,
  { stream, created }: { readonly stream: string; readonly created: string },
): Promise<number> {
  const text = await readKey(manager, stateBucket, trimKey(stream));
  if (text === undefined) return 0;
  const trim = JSON.parse(text) as Trim;
  return trim.stream === String(created) ? trim.to : 0;
}

function trimKey(stream: string): string {
  return `trimmed.${stream}`;
}

export async function consumerProgress(
  manager: JetStreamManager,
  stream: string,
  durable: string,
): Promise<ConsumerProgress> {
  const info = await retryRequest(() => manager.consumers.info(stream, durable));
  return {
    ackFloor: info.ack_floor.stream_seq,
    delivered: info.delivered.stream_seq,
    ackPending: info.num_ack_pending,
    pending: info.num_pending,
  };
}
