/** What a function written in TypeScript or JavaScript sees of KFlow. */

/** An Avro record as a plain object: longs beyond 2^53 are bigints, bytes are Buffers. */
// biome-ignore lint/suspicious/noExplicitAny: a record's fields are the business of its schema, not of the SDK
export type AvroRecord = { [field: string]: any };

/** Records by the side output they go to. */
export type SideRecords = { readonly [id: string]: unknown };

/** The record at hand, seen from KFlow's side. */
export interface Context<Sides extends SideRecords = { readonly [id: string]: AvroRecord }> {
  /** Starts the record's time (`max.poll.interval.ms`) anew. Synchronous. */
  heartbeat(): void;
  /** Path of the downloaded object; null without automatic download, or when its failure is skipped. */
  getDownloaderLocalObjectUrl(): string | null;
  /** Bucket, key, size, etag and the like of the downloaded object; null as above. */
  getDownloaderObjectMetadata(): Readonly<Record<string, unknown>> | null;
  /** Sends a record to the side output `id` at once; a replay of the input may send it again. */
  toSideStream<Id extends keyof Sides & string>(id: Id, record: Sides[Id]): void;
  /** The function's `meta` as written in the topology. */
  readonly meta: Readonly<Record<string, unknown>>;
  readonly functionId: string;
  readonly flowId: string;
  /** Logs into the function's log, at the level named. */
  readonly logger: Logger;
}

export interface Logger {
  debug(...args: unknown[]): void;
  info(...args: unknown[]): void;
  warn(...args: unknown[]): void;
  error(...args: unknown[]): void;
}

/** Outputs that are sent on before the function returns; used with KFLOW_STREAM_PROCESS_FUNCTION. */
export interface StreamQueue<Out = AvroRecord> {
  /** Resolves when there is room for more: await it, and memory stays bounded. */
  put(record: Out): Promise<void>;
}

/** What a function may give for one record: one output, several, or none. Iterables are sent on as they come. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without a return statement gives no output
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

/** A source's function: called again and again; null or undefined ends the source, and so does the end of an iterable. */
export type SourceFunction<Out = AvroRecord> = () => Output<Out> | Promise<Output<Out>>;
