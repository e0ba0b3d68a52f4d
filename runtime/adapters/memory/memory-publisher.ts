import { type KFlowError, StoreError } from '../../../lib/errors';
import type { Outgoing, PublishAck, Publisher } from '../../engine/ports/publisher';
import type { MemoryConnection } from './memory-connection';
import type { MemoryStreams } from './memory-streams';

export interface MemoryPublisherProps {
  readonly streams: MemoryStreams;
  readonly connection: MemoryConnection;
  /** Called when a message is stored, before its publisher learns of that. */
  readonly onStored?: (outgoing: Outgoing) => void;
}

/** Publishes to streams in memory, which always have room. The answer comes in a later turn of the event loop. */
export class MemoryPublisher implements Publisher {
  private unsettled = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly props: MemoryPublisherProps) {}

  publish(outgoing: Outgoing, settle: (result: PublishAck | KFlowError) => void): void {
    const { streams, connection, onStored } = this.props;
    if (connection.isClosed) return;
    const result =
      streams.of(outgoing.subject)?.add(outgoing) ??
      new StoreError('stream-failed', `no stream takes the subject ${outgoing.subject}`);
    this.unsettled++;
    setImmediate(() => {
      if (!(result instanceof StoreError)) onStored?.(outgoing);
      this.unsettled--;
      if (!connection.isClosed) settle(result);
      if (this.unsettled === 0) for (const resume of this.waiting.splice(0)) resume();
    });
  }

  room(): undefined {
    return undefined;
  }

  async settled(): Promise<void> {
    while (this.unsettled > 0) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}
