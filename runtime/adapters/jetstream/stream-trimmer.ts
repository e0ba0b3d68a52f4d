import type { JetStreamManager, NatsConnection } from 'nats';
import type { OutputSpec } from '../../../lib/plan/function-spec';
import type { ConsumerProgress } from '../../engine/completion';
import { isTight, planTrim } from '../../engine/plan-trim';
import { jetStreamOf, managerOf, valueSubject } from './access/jetstream-api';
import { readFloorNote } from './keepers/floor-notes';
import { readKey } from './read-run';
import { retryRequest } from './retry-request';

/** The part of a stream that its writer has purged. */
interface Trim {
  /** Creation time of the stream. */
  readonly stream: string;
  /** The first sequence that was kept. */
  readonly to: number;
}

/**
 * Makes room in a stream by purging messages up to the lowest ack floor of its readers, never beyond.
 *
 * I1. A consumer that somebody recreated may have a higher floor than its reader has noted: the lower one counts.
 * I2. A purge is noted in the flow's state before it is done, so that readers can tell it from records that somebody removed.
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
    const { stream, durables } = this.output;
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
    const floors = await Promise.all(durables.map((durable) => this.floorOf(manager, durable, String(created))));
    const keepFrom = planTrim({ ...fill, ackFloors: floors });
    if (keepFrom === undefined) return 0;
    await this.noteTrim({ stream: String(created), to: keepFrom }); // I2
    return (await manager.streams.purge(stream, { seq: keepFrom })).purged;
  }

  private async floorOf(manager: JetStreamManager, durable: string, created: string): Promise<number> {
    const { stream } = this.output;
    const { ackFloor } = await consumerProgress(manager, stream, durable);
    if (this.stateBucket === undefined) return ackFloor;
    const note = await readFloorNote(manager, this.stateBucket, { stream, durable });
    return note?.stream === created ? Math.min(ackFloor, note.floor) : ackFloor; // I1
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
