/**
 * The port between the record loop and user code. Payloads are Avro single-object encodings (C3 01, the writer
 * schema's 8-byte fingerprint, the body) in both directions: encoding and decoding are the host's business.
 */

/** One record on its way through the function. `id` is unique in the life of the replica. */
export interface HostRecord {
  readonly id: number;
  readonly payload: Uint8Array;
  /** Index of the input it came from, and its sequence in that input's stream. */
  readonly origin: { readonly input: number; readonly sequence: number };
  readonly download?: Download;
}

/** What automatic download left for a record: both null when it failed and failures are skipped. */
export interface Download {
  readonly path: string | null;
  readonly metadata: { readonly [key: string]: unknown } | null;
}

/** Why user code failed on a record. */
export interface Failure {
  /** Class name of the exception. */
  readonly type: string;
  readonly message: string;
  readonly trace?: string;
  /** Set by an AckException only: whether the record counts as processed. */
  readonly ack?: boolean;
  readonly payloadAsJson?: boolean;
}

export type LogLevel = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL';

/** What a host tells the loop. For one record: any number of outputs, then exactly one of done, failed, released. */
export interface HostEvents {
  /**
   * The function begins with the record. A host need not say so: a record is taken to begin when one of the host's
   * `atOnce` places is free for it.
   */
  began?(id: number): void;
  /** One output; `side` is empty for the main output. The promise, if any, resolves when there is room for more. */
  output(id: number, payload: Uint8Array, side: string): Promise<void> | undefined;
  done(id: number): void;
  failed(id: number, failure: Failure): void;
  /** The record was not started and is given back. */
  released(id: number): void;
  heartbeat(id: number): void;
  log(level: LogLevel, text: string): void;
  /** The host died; nothing more comes from it. */
  crashed(cause: Error): void;
}

/** What a source's function gave. */
export interface Generated {
  readonly payloads: readonly Uint8Array[];
  /** There will be no more. */
  readonly ended: boolean;
  /** They come of a generator, which gives them again, in the same order, when it is run again. */
  readonly isRepeatable: boolean;
}

export interface Host {
  /** Records it works on at once; others that it has wait. */
  readonly atOnce: number;
  /** Loads the user's code; throws ConfigError when it cannot be loaded, with the place in the code. */
  open(): Promise<void>;
  /** Hands records over. They start in this order; the call does not wait for them. */
  process(records: readonly HostRecord[]): void;
  /** Asks a source's function for its next records. */
  generate(): Promise<Generated>;
  /** Gives back, by `released`, what has not been started. */
  release(): void;
  close(): Promise<void>;
}

/** Schemas by fingerprint (16 hex digits, as in the payload's header). */
export interface SchemaSource {
  schemaOf(fingerprint: string): Promise<object>;
}
