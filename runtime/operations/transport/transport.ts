/** A message that a consumer holds until it settles it. One that nobody settles is delivered again. */
export interface Delivery {
  readonly topic: string;
  /** Rejects with ValidationError if the payload cannot be decrypted. */
  payload(): Promise<string>;
  /** Number of the message, the same at each delivery. */
  readonly sequence: number;
  /** 1 for the first delivery. */
  readonly deliveries: number;
  /** The message is done. */
  ack(): Promise<void>;
  /** Any consumer may get the message, again. */
  release(): Promise<void>;
}

/** A value of a store, as text, with the revision that a later write has to know. */
export interface StoredValue {
  readonly value: string;
  readonly revision: number;
}

/**
 * How messages, their results and the states of operations travel. All methods throw TransportError for what a later attempt
 * may do, and PayloadError for what is too large. The id of a payload is its name for duplicates: of two with the same id, the second is dropped.
 */
export interface Transport {
  publish(topic: string, payload: Uint8Array, id?: string): Promise<void>;
  /** Publishes on the subject of results of a topic. */
  publishResult(topic: string, payload: Uint8Array, id?: string): Promise<void>;
  /** A message of one of the topics; undefined if none comes within about `timeoutMs`. */
  next(topics: readonly string[], timeoutMs: number): Promise<Delivery | undefined>;
  load(key: string): Promise<StoredValue | undefined>;
  /** Stores a value if the last one has this revision; 0: if there is none. The new revision; undefined: somebody was faster. */
  save(key: string, stored: StoredValue): Promise<number | undefined>;
  close(): Promise<void>;
}
