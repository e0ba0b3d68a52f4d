/** A message handed to this replica; it is held until it is acked or given back. */
export interface Delivery {
  readonly stream: string;
  readonly sequence: number;
  /** How often it has been handed out, this time included. */
  readonly deliveries: number;
  /** When the stream took it in, ms since 1970. */
  readonly timestampMs: number;
  readonly payload: Uint8Array;
  /** The message is done with. Sent again after a reconnect, until the server has certainly seen it. */
  ack(): void;
  /** Gives the message back; the server hands it out again after the delay. */
  nak(delayMs: number): void;
  /** Sign of life: the server waits another ackWait. */
  working(): void;
}

/** Where deliveries come from: one durable consumer. */
export interface DeliverySource {
  /** Starts asking for messages; `onDelivery` gets each. */
  start(onDelivery: (delivery: Delivery) => void): void;
  /** Says how many messages and bytes the reader can hold beyond those it holds now. */
  demand(messages: number, bytes: number): void;
  /** Asks for no more; what is on its way still comes. */
  stop(): void;
}
