import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { formatWithOptions } from 'node:util';
import { isNativeError } from 'node:util/types';
import type { AvroRecord, Context, Logger } from '../../../lib/define/sdk';
import { FunctionError, KFlowError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import type { AvroSchemaCodec } from '../../engine/avro-message';
import type { Failure, Generated, Host, HostEvents, HostRecord, LogLevel, SchemaSource } from '../../engine/ports/host';
import { RecordCodecs } from '../../engine/record-codecs';
import { type EntryFunction, loadFunction } from './load-function';
import { OutputEncoder } from './output-encoder';
import { eachRecord, isIterable, isPromise } from './outputs';

export interface TypeScriptHostOptions {
  readonly spec: FunctionSpec;
  readonly events: HostEvents;
  readonly schemas: SchemaSource;
  /** Where a module's path starts, and where inline code finds its packages. */
  readonly baseDir: string;
  /** KFLOW_STREAM_PROCESS_FUNCTION. */
  readonly isStreaming: boolean;
}

/** Records are worked on this long before timers and sockets get their turn. */
const sliceMs = 10;
/** Records taken from a source's iterable at once. */
const generateSlice = 256;

/**
 * Runs a function in the replica's own process. Records start in the order they came; a synchronous function ends with
 * one before the next begins, an asynchronous one has up to `concurrency` at once.
 */
export class TypeScriptHost implements Host {
  private readonly queue: HostRecord[] = [];
  private readonly codecs: RecordCodecs;
  private readonly encoder: OutputEncoder;
  private readonly sideEncoders: ReadonlyMap<string, OutputEncoder>;
  private entry: EntryFunction = () => undefined;
  private running = 0;
  private scheduled = false;
  private iterator: AsyncGenerator<AvroRecord> | undefined;
  /** What the iterator was asked for and has not given yet. */
  private coming: Promise<IteratorResult<AvroRecord>> | undefined;

  constructor(private readonly options: TypeScriptHostOptions) {
    this.codecs = new RecordCodecs(options.schemas);
    this.encoder = new OutputEncoder(options.spec.schema);
    this.sideEncoders = new Map(options.spec.sideOutputs.map((side) => [side.id, new OutputEncoder(side.schema)]));
  }

  get atOnce(): number {
    return this.options.spec.concurrency;
  }

  async open(): Promise<void> {
    const { spec, baseDir, events } = this.options;
    const console = consoleOf((level, text) => events.log(level, text));
    this.entry = loadFunction(spec, baseDir, { logger: this.logger, console });
  }

  process(records: readonly HostRecord[]): void {
    this.queue.push(...records);
    if (!this.scheduled) this.work();
  }

  release(): void {
    for (const record of this.queue.splice(0)) this.options.events.released(record.id);
  }

  async close(): Promise<void> {
    this.release();
    // one that waits for something of its own may do so for ever
    if (this.coming === undefined) await this.iterator?.return(undefined);
  }

  async generate(): Promise<Generated> {
    if (this.iterator === undefined) {
      const given = await this.entry();
      if (given === null || given === undefined) return { payloads: [], ended: true, isRepeatable: false };
      if (Array.isArray(given) || !isIterable(given)) {
        return { payloads: await this.encodeAll(given), ended: false, isRepeatable: false };
      }
      this.iterator = eachRecord(given);
    }
    const { records, ended } = await this.take(this.iterator);
    return { payloads: await this.encodeAll(records), ended, isRepeatable: true };
  }

  /** The next records: as many as make a slice, or as came before the iterator made a pause. */
  private async take(iterator: AsyncGenerator<AvroRecord>): Promise<{ records: AvroRecord[]; ended: boolean }> {
    const records: AvroRecord[] = [];
    const until = performance.now() + sliceMs;
    let timer: NodeJS.Timeout | undefined;
    const pause = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), sliceMs);
    });
    try {
      while (records.length < generateSlice && (records.length === 0 || performance.now() < until)) {
        this.coming ??= iterator.next();
        const result = await (records.length === 0 ? this.coming : Promise.race([this.coming, pause]));
        if (result === undefined) break;
        this.coming = undefined;
        if (result.done === true) return { records, ended: true };
        records.push(result.value);
      }
      this.coming?.catch(() => undefined); // whoever asks next is told
      return { records, ended: false };
    } catch (error) {
      if (records.length === 0) throw error;
      return { records, ended: false }; // what came before it is sent; whoever asks next is told
    } finally {
      clearTimeout(timer);
    }
  }

  private async encodeAll(given: unknown): Promise<Uint8Array[]> {
    const payloads: Uint8Array[] = [];
    for await (const record of eachRecord(given)) payloads.push(this.encoder.encode(record));
    return payloads;
  }

  /** Starts queued records until the queue is empty, the function is busy, or others want a turn. */
  private work(): void {
    const until = performance.now() + sliceMs;
    let next = 0;
    while (next < this.queue.length && this.running < this.options.spec.concurrency) {
      if (performance.now() > until) {
        this.schedule();
        break;
      }
      const record = this.queue[next++];
      if (record !== undefined) this.begin(record);
    }
    this.queue.splice(0, next);
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.work();
    });
  }

  private begin(record: HostRecord): void {
    let result: unknown;
    this.options.events.began?.(record.id);
    try {
      const codec = this.codecs.known(record.payload);
      result = codec === undefined ? this.beginWithUnknownWriter(record) : this.call(record, codec);
    } catch (error) {
      this.options.events.failed(record.id, failureOf(error));
      return;
    }
    if (!isPromise(result)) {
      this.options.events.done(record.id);
      return;
    }
    this.running++;
    void result.then(
      () => this.end(() => this.options.events.done(record.id)),
      (error: unknown) => this.end(() => this.options.events.failed(record.id, failureOf(error))),
    );
  }

  private end(tell: () => void): void {
    this.running--;
    tell();
    if (this.queue.length > 0) this.schedule();
  }

  private async beginWithUnknownWriter(record: HostRecord): Promise<void> {
    await this.call(record, await this.codecs.of(record.payload));
  }

  /** Undefined when the record is done with, or a promise of it. */
  private call(record: HostRecord, writer: AvroSchemaCodec): Promise<void> | undefined {
    const event = writer.decode(record.payload);
    const context = this.contextOf(record);
    if (this.options.isStreaming) {
      const put = async (output: AvroRecord) => this.emit(record, output, writer);
      return Promise.resolve(this.entry(context, event, { put })).then(() => undefined);
    }
    const given = this.entry(context, event);
    return isPromise(given)
      ? given.then((value) => this.emitAll(record, value, writer))
      : this.emitAll(record, given, writer);
  }

  private emitAll(record: HostRecord, given: unknown, writer: AvroSchemaCodec): Promise<void> | undefined {
    if (given === undefined || given === null) return undefined;
    if (Array.isArray(given)) {
      // all or none: nothing of a record that does not encode is sent on
      const payloads = given.map((output) => this.encoder.encode(output, writer));
      for (const payload of payloads) void this.options.events.output(record.id, payload, '');
      return undefined;
    }
    if (isIterable(given)) return this.emitIterable(record, given, writer);
    void this.options.events.output(record.id, this.encoder.encode(given, writer), '');
    return undefined;
  }

  private async emitIterable(record: HostRecord, given: unknown, writer: AvroSchemaCodec): Promise<void> {
    for await (const output of eachRecord(given)) await this.emit(record, output, writer);
  }

  private emit(record: HostRecord, output: unknown, writer: AvroSchemaCodec): Promise<void> | undefined {
    return this.options.events.output(record.id, this.encoder.encode(output, writer), '');
  }

  private emitAside(record: HostRecord, side: string, output: AvroRecord): void {
    const encoder = this.sideEncoders.get(side);
    if (encoder === undefined) {
      const known = [...this.sideEncoders.keys()].join(', ') || 'none';
      throw new FunctionError('function-failed', `the function has no side output "${side}"; it has ${known}`);
    }
    void this.options.events.output(record.id, encoder.encode(output), side);
  }

  private contextOf(record: HostRecord): Context {
    const { spec, events } = this.options;
    return {
      heartbeat: () => events.heartbeat(record.id),
      getDownloaderLocalObjectUrl: () => record.download?.path ?? null,
      getDownloaderObjectMetadata: () => record.download?.metadata ?? null,
      toSideStream: (id, output) => this.emitAside(record, id, output),
      meta: spec.meta,
      functionId: spec.function,
      flowId: `${spec.namespace}/${spec.jobId}`,
      logger: this.logger,
    };
  }

  private readonly logger: Logger = {
    debug: (...args) => this.options.events.log('DEBUG', formatWithOptions({}, ...args)),
    info: (...args) => this.options.events.log('INFO', formatWithOptions({}, ...args)),
    warn: (...args) => this.options.events.log('WARNING', formatWithOptions({}, ...args)),
    error: (...args) => this.options.events.log('ERROR', formatWithOptions({}, ...args)),
  };
}

/** A console whose lines go into the function's log: stdout as INFO, stderr as WARNING. */
function consoleOf(log: (level: LogLevel, text: string) => void): Console {
  const stream = (level: LogLevel) =>
    new Writable({
      write: (chunk, _encoding, done) => {
        log(level, String(chunk).replace(/\n$/, ''));
        done();
      },
    });
  return new Console(stream('INFO'), stream('WARNING'));
}

function failureOf(error: unknown): Failure {
  if (!isNativeError(error)) return { type: 'Error', message: String(error) };
  const trace = error instanceof KFlowError ? {} : { trace: error.stack };
  return { type: error.constructor.name, message: error.message, ...trace };
}
