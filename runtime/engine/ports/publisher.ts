import type { KFlowError } from '../../../lib/errors';

/** One message on its way into a stream. */
export interface Outgoing {
  readonly subject: string;
  /** The stream drops a second message with this id within its dedupe window. */
  readonly id: string;
  readonly payload: Uint8Array;
  readonly headers?: { readonly [name: string]: string };
}

export interface PublishAck {
  readonly stream: string;
  readonly sequence: number;
  /** The stream had the id already. */
  readonly duplicate: boolean;
}

/** Puts messages into streams, many at a time. What a stream refuses for the moment waits: that is the back pressure. */
export interface Publisher {
  /** Sends; `settle` is called exactly once, with what became of the message. */
  publish(outgoing: Outgoing, settle: (result: PublishAck | KFlowError) => void): void;
  /** Undefined when there is room for more, else a promise of it. */
  room(): Promise<void> | undefined;
  /** Resolves when everything published so far is settled. */
  settled(): Promise<void>;
}
