import type { KFlowError } from '../../../lib/errors';

/** One message to publish. */
export interface Outgoing {
  readonly subject: string;
  /** The message id: the stream drops a second message with this id within its dedupe window. */
  readonly id: string;
  readonly payload: Uint8Array;
  readonly headers?: { readonly [name: string]: string };
}

export interface PublishAck {
  readonly stream: string;
  readonly sequence: number;
  /** The stream already had a message with this id. */
  readonly duplicate: boolean;
}

/** Publishes messages, many at a time. Messages that a stream refuses temporarily wait: that is the back pressure. */
export interface Publisher {
  /** Publishes a message, and calls `settle` exactly once with the result. */
  publish(outgoing: Outgoing, settle: (result: PublishAck | KFlowError) => void): void;
  /** Undefined when there is room for more messages, else a promise that resolves when there is. */
  room(): Promise<void> | undefined;
  /** Resolves when every message published so far is settled. */
  settled(): Promise<void>;
}
