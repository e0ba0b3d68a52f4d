/** A message delivered to this replica, which holds it until ack or nak. */
export interface Delivery {
  readonly stream: string;
  readonly sequence: number;
  /** Number of deliveries, this one included. */
  readonly deliveries: number;
  /** When the stream stored the message, ms since 1970. */
  readonly timestampMs: number;
  readonly payload: Uint8Array;
  /** Names this delivery: with the name, a later process can nak it. */
  readonly handle: string;
  /** An earlier delivery, which `deliveries` does not count, may have been processed: the consumer was recreated since. */
  readonly isRepeated?: boolean;
  /** Acks the message. The ack is repeated after a reconnect until the server has received it. */
  ack(): void;
  /** Naks the message; the server redelivers it after the delay. */
  nak(delayMs: number): void;
  /** Renews the lease: the server waits another ackWait. */
  working(): void;
}

/** A durable consumer. */
export interface DeliverySource {
  /** Starts pulling; `onDelivery` receives each message. */
  start(onDelivery: (delivery: Delivery) => void): void;
  /** Sets how many more messages and bytes the reader has room for. */
  demand(messages: number, bytes: number): void;
  /** Stops pulling. Messages in flight are still delivered. */
  stop(): void;
}
