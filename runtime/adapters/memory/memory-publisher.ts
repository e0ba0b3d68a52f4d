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

type Settle = (result: PublishAck | KFlowError) => void;

/**
 * Publishes to streams in memory. The answer comes in a later turn of the event loop; a message to a full stream waits until
 * the connection is closed, which fails everything that has no answer yet.
 */
export class MemoryPublisher implements Publisher {
  private readonly unsettled = new Set<Settle>();
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly props: MemoryPublisherProps) {
    props.connection.onClose(() => {
      for (const settle of this.unsettled) this.end(settle, closed());
    });
  }

  publish(outgoing: Outgoing, settle: Settle): void {
    const { streams, connection, onStored } = this.props;
    const stream = streams.of(outgoing.subject);
    this.unsettled.add(settle);
    if (connection.isClosed) setImmediate(() => this.end(settle, closed()));
    if (connection.isClosed || stream?.isFull === true) return;
    const result = stream?.add(outgoing) ?? noStream(outgoing);
    setImmediate(() => {
      if (!(result instanceof StoreError)) onStored?.(outgoing);
      this.end(settle, result);
    });
  }

  room(): undefined {
    return undefined;
  }

  async settled(): Promise<void> {
    while (this.unsettled.size > 0) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private end(settle: Settle, result: PublishAck | KFlowError): void {
    if (!this.unsettled.delete(settle)) return;
    settle(result);
    if (this.unsettled.size === 0) for (const resume of this.waiting.splice(0)) resume();
  }
}

function closed(): StoreError {
  return new StoreError('stream-failed', 'the connection is closed');
}

function noStream({ subject }: Outgoing): StoreError {
  return new StoreError('stream-failed', `no stream takes the subject ${subject}`);
}
