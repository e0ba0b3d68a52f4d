import type { KFlowError } from '../../../lib/errors';
import type { TraceContext } from '../trace/trace-context';

/**
 * The port between the record loop and user code. Payloads in both directions are Avro single-object encodings (C3 01, the
 * writer schema's 8-byte fingerprint, the body); the host encodes and decodes them.
 */

/** One record that a function processes. `id` is unique within the replica's process. */
export interface HostRecord {
  readonly id: number;
  readonly payload: Uint8Array;
  /** Index of the record's input, and the record's sequence in the stream of that input. */
  readonly origin: { readonly input: number; readonly sequence: number };
  readonly download?: Download;
  /** What calls of other systems, and outputs, continue. */
  readonly trace?: TraceContext;
  /** No other record is in the host, and none follows before this one has ended. */
  readonly isAlone?: true;
}

/** The object that was downloaded for a record; both are null when the download failed and failures are skipped. */
export interface Download {
  readonly path: string | null;
  readonly metadata: { readonly [key: string]: unknown } | null;
}

/** Why a record failed. */
export interface Failure {
  /** Class name of the exception. */
  readonly type: string;
  readonly message: string;
  readonly trace?: string;
  /** Set only by an AckException: true when the record counts as processed. */
  readonly ack?: boolean;
  /** No retry can succeed: the record becomes a dead letter at once. */
  readonly isFinal?: true;
  readonly payloadAsJson?: boolean;
  /** Set by a TaskError of a task: what the controller decides by. */
  readonly task?: TaskFailure;
  /** Left out: the function raised an exception, or the record could not be read. */
  readonly reason?: FailureReason;
}

/** What the code of a task says of its failure. */
export interface TaskFailure {
  readonly code: string;
  readonly details?: unknown;
  readonly isTerminal?: boolean;
  readonly retryAfterMs?: number;
}

/**
 * Why an attempt failed without an exception. `crashed`: the process that ran the code was killed or broke its protocol.
 * `exited`: it exited. `timed out`: no result within `max.poll.interval.ms`. `too large`: an output does not fit.
 */
export type FailureReason = 'crashed' | 'exited' | 'timed out' | 'too large';

export type LogLevel = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL';

/** What a line of the log is about, beside the replica that writes it. */
export interface LogSubject {
  /** `<stream>:<sequence>` of the record, the same at each delivery. */
  readonly record?: string;
  readonly trace_id?: string;
}

/** Writes one entry of the log, which may have several lines of text. */
export type Log = (level: LogLevel, text: string, about?: LogSubject) => void;

/** Reports of a host to the loop. For each record: any number of outputs, then exactly one of done, failed, released. */
export interface HostEvents {
  /**
   * The function starts the record. Optional: without this event, a record counts as started when one of the host's
   * `concurrency` slots is free for it.
   */
  began?(id: number): void;
  /** The record waits in the host again, and why: its time counts from the next `began`. Only from a host with `reportsBegan`. */
  waits?(id: number, why: string): void;
  /** One output; `side` is empty for the main output. A returned promise resolves when there is room for another. */
  output(id: number, payload: Uint8Array, side: string): Promise<void> | undefined;
  done(id: number): void;
  failed(id: number, failure: Failure): void;
  /** The record was not started and is nak'd. */
  released(id: number): void;
  heartbeat(id: number): void;
  /**
   * The function requests the acks of the records that have ended before, and of this one if it runs, when it has succeeded.
   * Only of a host that `acksManually`.
   */
  ackRequested?(id: number): void;
  /** `id` is the record that the function processed as it wrote the entry, if the host knows. */
  log(level: LogLevel, text: string, id?: number): void;
  /**
   * The host's process has ended without having been asked to; no further event follows. The records that were handed over
   * and have no outcome were in the host. The message says how it ended: `Python exited with code 0` (`host-exited`),
   * `Python was killed by SIGKILL`, `Python broke the protocol: …` (`host-failed`).
   */
  crashed(cause: KFlowError): void;
}

/** A record of a source that does not fit its schema. */
export interface Misfit {
  /** How many payloads of the same answer come before it. */
  readonly before: number;
  readonly failure: Failure;
  /** The record as JSON, as far as it can be shown. */
  readonly record: string;
}

/** The records that a source's function returned for one request. */
export interface Generated {
  readonly payloads: readonly Uint8Array[];
  /** In their order among the payloads. */
  readonly misfits?: readonly Misfit[];
  /** The source has ended. */
  readonly ended: boolean;
  /**
   * The records come from a generator: a second run yields the same records in the same order. The first answer for a
   * generator has no records: it comes before the generator has yielded one.
   */
  readonly isRepeatable: boolean;
  /** The next answer continues the list that this one began. */
  readonly hasMore?: true;
}

export interface Host {
  /** Limit of records that are processed concurrently; the others wait in the host. */
  readonly concurrency: number;
  /** The host reports `began` for every record, so that the time that a record waits in the host is not limited. */
  readonly reportsBegan?: true;
  /** Loads the user's code. Throws ConfigError with the position in the code when loading fails. */
  open(): Promise<void>;
  /** Starts records in this order, and returns at once. */
  process(records: readonly HostRecord[]): void;
  /** Requests the next records of a source's function. */
  generate(): Promise<Generated>;
  /** Whether the function gives an aggregate before its replica ends; known once the host is open. */
  readonly hasFinish?: boolean;
  /** Whether the function requests acks itself; known once the host is open. */
  readonly acksManually?: boolean;
  /**
   * Runs the function's finish: reports any number of outputs, then done or failed, for this id, which no record has. The
   * host must be open, and process no record.
   */
  finish?(id: number): void;
  /** Releases the records that have not started: reports `released` for each. A bulk that waits is written instead. */
  release(): void;
  /** No more records come for now: a bulk that waits is written, however small. */
  flush?(): void;
  /** Tells the code of a record that its result is not needed any more; the record goes on until the code ends. */
  cancel?(id: number): void;
  /** Ends the user's code at once, whatever it is doing; resolves when it is gone. No event follows the call. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** Creates a host that has not been opened; the loop opens another one after a crash or a kill. */
export type CreateHost = (events: HostEvents) => Host;

/** Schemas by fingerprint (16 hex digits, as in the payload's header). */
export interface SchemaSource {
  schemaOf(fingerprint: string): Promise<object | string>;
}
