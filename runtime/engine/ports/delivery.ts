import type { LetterHistory } from '../letters/letter-history';

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
  /** The record's key, if it has one. */
  readonly key?: string | undefined;
  /** W3C trace context of the message, if it has one. */
  readonly traceparent?: string;
  /** What the tools of a trace add to its context. */
  readonly tracestate?: string;
  /** The message is a dead letter that is processed again: `stream` and `sequence` are those of the record. */
  readonly redriven?: Redriven;
  /** Acks the message. The ack is repeated after a reconnect until the server has received it. */
  ack(): void;
  /** Naks the message; the server redelivers it after the delay. */
  nak(delayMs: number): void;
  /** Renews the lease: the server waits another ackWait. */
  working(): void;
}

/** A dead letter that somebody redrives. An ack of its delivery removes the letter. */
export interface Redriven {
  /** Sequence of the letter in the stream of dead letters. */
  readonly letter: number;
  /** Id of the redrive. */
  readonly id: string;
  /** The prefix of the ids of its outputs, of the epoch in which the record failed. */
  readonly writer: string;
  /** When the stream stored the record, as an ISO time; empty when its letter does not say. */
  readonly storedAt: string;
  /** Indexes of the outputs that are stored, however long ago. */
  readonly stored: ReadonlySet<number>;
  /** Its attempts and redrives, this redrive included. */
  readonly history: LetterHistory;
}

/** A durable consumer. */
export interface DeliverySource {
  /**
   * Starts pulling; `onDelivery` receives each message. `onGone` gets the sequence of a message that was given back and does
   * not come again, because somebody removed it; only where messages have an order.
   */
  start(onDelivery: (delivery: Delivery) => void, onGone?: (sequence: number) => void): void;
  /** Sets how many more messages and bytes the reader has room for. */
  demand(messages: number, bytes: number): void;
  /** Stops pulling. Messages in flight are still delivered. */
  stop(): void;
}

/** The dead letters of a function that are processed again. Each belongs to one of the function's inputs. */
export interface RedriveSource extends Pick<DeliverySource, 'demand' | 'stop'> {
  /** Starts pulling; `onDelivery` receives each letter with the index of its input. */
  start(onDelivery: (input: number, delivery: Delivery) => void): void;
}
