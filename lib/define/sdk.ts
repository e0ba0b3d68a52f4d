/** The API of functions in TypeScript and JavaScript. Its classes are in scope in inline code. */

import type { Logger } from './logger';

export { Decimal, Duration } from '../topology/avro/logical-values';
export type { Logger } from './logger';
export { loadTopology, NatsSink, type ProgramFunction, type ProgramRecord, type ProgramTopology } from './program';
export { type TaskContext, TaskError, type TaskFunction, TerminalError } from './task-sdk';

/** An error that acks its record: by default the record is not retried, and error side streams get it as JSON. */
export class AckException extends Error {
  override readonly name: string = 'AckException';

  /** Return false to have the record redelivered, as after any other error. */
  shouldAck(): boolean {
    return true;
  }

  /** Return false to send the record to error side streams in its Avro encoding. */
  payloadAsJson(): boolean {
    return true;
  }
}

/**
 * An Avro record as a plain object: longs beyond 2^53 are bigints, bytes are Buffers. With `meta.logicalTypes`, values with a
 * logical type are Dates, Decimals, Durations and bigints (docs/avro.md).
 */
// biome-ignore lint/suspicious/noExplicitAny: the fields of a record depend on its schema
export type AvroRecord = { [field: string]: any };

/** Record types by side output. */
export type SideRecords = { readonly [id: string]: unknown };

/** The context of the current record. */
export interface Context<Sides extends SideRecords = { readonly [id: string]: AvroRecord }> {
  /** Restarts the time limit of the record (`max.poll.interval.ms`). Synchronous. */
  heartbeat(): void;
  /** Path of the downloaded object; null without automatic download, or if a failed download is skipped. */
  getDownloaderLocalObjectUrl(): string | null;
  /** Bucket, key, size, etag and other metadata of the downloaded object; null as above. */
  getDownloaderObjectMetadata(): Readonly<Record<string, unknown>> | null;
  /** Sends a record to the side output `id` immediately. If the input is redelivered, the record may be sent again. */
  toSideStream<Id extends keyof Sides & string>(id: Id, record: Sides[Id]): void;
  /**
   * With `meta.ack: manual`: acks this record, when its function has returned, and all records whose function has returned
   * before, and sends their outputs. Otherwise, it does nothing.
   */
  requestAck(): void;
  /** Deletes downloaded files, which nobody else deletes with `meta.ack: manual`. Files that do not exist are ignored. */
  flush(...paths: readonly string[]): void;
  /**
   * A record of the side output, or of the main output: a plain object in which the fields with a default have it. Throws if
   * the function declares no such output, or no schema.
   */
  getNewRecord(side?: keyof Sides & string): AvroRecord;
  /** The function's `meta` as written in the topology. */
  readonly meta: Readonly<Record<string, unknown>>;
  readonly functionId: string;
  readonly flowId: string;
  /**
   * W3C trace context of the record, the value of a `traceparent` header: what your code calls may continue its trace. Absent
   * from the context of `finish`.
   */
  readonly traceParent?: string;
  /** Writes to the function's log. */
  readonly logger: Logger;
}

/** Sends outputs before the function returns; used with KFLOW_STREAM_PROCESS_FUNCTION. */
export interface StreamQueue<Out = AvroRecord> {
  /** Resolves when there is room for more records. Await it to bound memory. */
  put(record: Out): Promise<void>;
}

/** What a function may return for a record: one output, several, or none. Iterables are consumed as they yield. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without a return statement has no output
export type Output<Out = AvroRecord> = Out | null | undefined | void | Iterable<Out> | AsyncIterable<Out>;

export type ProcessFunction<
  Event = AvroRecord,
  Out = AvroRecord,
  Sides extends SideRecords = { readonly [id: string]: AvroRecord },
> = (ctx: Context<Sides>, event: Event) => Output<Out> | Promise<Output<Out>>;

export type StreamProcessFunction<
  Event = AvroRecord,
  Out = AvroRecord,
  Sides extends SideRecords = { readonly [id: string]: AvroRecord },
> = (ctx: Context<Sides>, event: Event, queue: StreamQueue<Out>) => Promise<void>;

/** The function of a source, which is called repeatedly. Null, undefined and the end of an iterable end the source. */
export type SourceFunction<Out = AvroRecord> = () => Output<Out> | Promise<Output<Out>>;
