import type { JetStreamManager, NatsConnection } from 'nats';
import type { OutputSpec } from '../../../lib/plan/function-spec';
import type { ConsumerProgress } from '../../engine/completion';
import { isTight, planTrim } from '../../engine/plan-trim';
import { retryRequest } from './retry-request';

/** Makes room in a stream by purging messages up to the lowest ack floor of its readers, never beyond. */
export class StreamTrimmer {
  private trimming = false;

  constructor(
    private readonly connection: NatsConnection,
    private readonly output: OutputSpec,
  ) {}

  /** Returns the number of purged messages; 0 at once while another trim is in progress. */
  async trim(): Promise<number> {
    if (this.trimming) return 0;
    this.trimming = true;
    try {
      return await this.trimOnce(await this.connection.jetstreamManager({ checkAPI: false }));
    } finally {
      this.trimming = false;
    }
  }

  private async trimOnce(manager: JetStreamManager): Promise<number> {
    const { stream, durables } = this.output;
    const { state, config } = await manager.streams.info(stream);
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
    const progress = await Promise.all(durables.map((durable) => consumerProgress(manager, stream, durable)));
    const keepFrom = planTrim({ ...fill, ackFloors: progress.map((reader) => reader.ackFloor) });
    if (keepFrom === undefined) return 0;
    return (await manager.streams.purge(stream, { seq: keepFrom })).purged;
  }
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
