import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { formatWithOptions } from 'node:util';
import { isNativeError } from 'node:util/types';
import type { AvroRecord, Context, Logger } from '../../../lib/define/sdk';
import { FunctionError, KFlowError } from '../../../lib/errors';
import type { AvroSchemaCodec } from '../../engine/avro-message';
import type { Failure, Generated, Host, HostRecord, LogLevel } from '../../engine/ports/host';
import { RecordCodecs } from '../../engine/record-codecs';
import type { HostFactory, HostOptions } from '../host-factory';
import { type EntryFunction, loadFunction } from './load';
import { eachRecord, isIterable, isPromise, OutputEncoder } from './outputs';

/** How long records run before timers and sockets get their turn. */
const sliceMs = 10;
/** Records of one answer to `generate`, at most. */
const generateSlice = 256;

/**
 * Runs a function in the replica's own process. Records start in the order in which they arrived. A synchronous function
 * finishes one record before the next starts; an asynchronous one processes up to `concurrency` at once.
 */
class TypeScriptHost implements Host {
  private readonly queue: HostRecord[] = [];
  private readonly codecs: RecordCodecs;
  private readonly encoder: OutputEncoder;
  private readonly sideEncoders: ReadonlyMap<string, OutputEncoder>;
  private entry: EntryFunction = () => undefined;
  private finishEntry: EntryFunction | undefined;
  private running = 0;
  private scheduled = false;
  private iterator: AsyncGenerator<AvroRecord> | undefined;
  /** The call of `next` that has not resolved yet. */
  private pending: Promise<IteratorResult<AvroRecord>> | undefined;
  /** What the next call of `generate` rejects with. */
  private failure: Error | undefined;

  constructor(private readonly options: HostOptions) {
    this.codecs = new RecordCodecs(options.schemas);
    this.encoder = new OutputEncoder(options.spec.schema);
    this.sideEncoders = new Map(options.spec.sideOutputs.map((side) => [side.id, new OutputEncoder(side.schema)]));
  }

  get concurrency(): number {
    return this.options.spec.concurrency;
  }

  async open(): Promise<void> {
    const { spec, baseDir, events } = this.options;
    const console = consoleOf((level, text) => events.log(level, text));
    const { entry, finish } = loadFunction(spec, baseDir, { logger: this.logger, console });
    this.entry = entry;
    this.finishEntry = finish;
  }

  get hasFinish(): boolean {
    return this.finishEntry !== undefined;
  }

  finish(id: number): void {
    const { events } = this.options;
    const record = { id, payload: new Uint8Array(), origin: { input: 0, sequence: 0 } };
    this.emitFinish(record).then(
      () => events.done(id),
      (error: unknown) => events.failed(id, failureOf(error)),
    );
  }

  /** All or none, as for a record whose function returns a list. */
  private async emitFinish(record: HostRecord): Promise<void> {
    const returned = await this.finishEntry?.(this.contextOf(record));
    const payloads: Uint8Array[] = [];
    for await (const output of eachRecord(returned)) payloads.push(this.encoder.encode(output));
    for (const payload of payloads) void this.options.events.output(record.id, payload, '');
  }

  process(records: readonly HostRecord[]): void {
    this.queue.push(...records);
    if (!this.scheduled) this.work();
  }

  release(): void {
    for (const record of this.queue.splice(0)) this.options.events.released(record.id);
  }

  /** Code that runs in this process cannot be stopped: only what waits is dropped. */
  async kill(): Promise<void> {
    this.queue.length = 0;
  }

  async close(): Promise<void> {
    this.release();
    // a generator that is waiting may never return
    if (this.pending === undefined) await this.iterator?.return(undefined);
  }

  async generate(): Promise<Generated> {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    if (this.iterator === undefined) {
      const returned = await this.entry();
      if (returned === null || returned === undefined) return { payloads: [], ended: true, isRepeatable: false };
      if (Array.isArray(returned) || !isIterable(returned)) return this.generatedList(returned);
      this.iterator = eachRecord(returned);
      return { payloads: [], ended: false, isRepeatable: true };
    }
    const { records, ended } = await this.take(this.iterator);
    const { payloads, misfits } = await this.encodeEach(records);
    const [misfit] = misfits;
    if (misfit === undefined) return { payloads, ended, isRepeatable: true };
    if (misfit.index === 0) throw misfit.error;
    this.failure = misfit.error; // after the records before it
    return { payloads: payloads.slice(0, misfit.index), ended: false, isRepeatable: true };
  }

  /** The records of a list that fit; the next answer is the failure of the others, which cannot be returned again. */
  private async generatedList(returned: unknown): Promise<Generated> {
    const { payloads, misfits } = await this.encodeEach(returned);
    const [misfit] = misfits;
    if (misfit === undefined) return { payloads, ended: false, isRepeatable: false };
    const others = misfits.length === 1 ? '' : `; ${misfits.length - 1} more did not fit`;
    const message = `record ${misfit.index + 1} of the list: ${misfit.error.message}${others}`;
    this.failure = new FunctionError('record-invalid', message, { cause: misfit.error });
    return { payloads, ended: false, isRepeatable: false, hasMore: true };
  }

  /** The next records: a full slice, or those that the iterator yielded before it paused. */
  private async take(iterator: AsyncGenerator<AvroRecord>): Promise<{ records: AvroRecord[]; ended: boolean }> {
    const records: AvroRecord[] = [];
    const until = performance.now() + sliceMs;
    let timer: NodeJS.Timeout | undefined;
    const pause = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), sliceMs);
    });
    try {
      while (records.length < generateSlice && (records.length === 0 || performance.now() < until)) {
        this.pending ??= iterator.next();
        const result = await (records.length === 0 ? this.pending : Promise.race([this.pending, pause]));
        if (result === undefined) break;
        this.pending = undefined;
        if (result.done === true) return { records, ended: true };
        records.push(result.value);
      }
      this.pending?.catch(() => undefined); // the next call rejects with it
      return { records, ended: false };
    } catch (error) {
      if (records.length === 0) throw error;
      return { records, ended: false }; // the records before the error are sent; the next call rejects
    } finally {
      clearTimeout(timer);
    }
  }

  private async encodeEach(returned: unknown) {
    const payloads: Uint8Array[] = [];
    const misfits: { readonly index: number; readonly error: Error }[] = [];
    let index = 0;
    for await (const record of eachRecord(returned)) {
      try {
        payloads.push(this.encoder.encode(record));
      } catch (error) {
        misfits.push({ index, error: error as Error });
      }
      index++;
    }
    return { payloads, misfits };
  }

  /** Starts queued records until the queue is empty, the function is busy, or the slice is over. */
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

  private end(report: () => void): void {
    this.running--;
    report();
    if (this.queue.length > 0) this.schedule();
  }

  private async beginWithUnknownWriter(record: HostRecord): Promise<void> {
    await this.call(record, await this.codecs.of(record.payload));
  }

  /** Runs the function; returns a promise if the record is not finished yet. */
  private call(record: HostRecord, writer: AvroSchemaCodec): Promise<void> | undefined {
    const event = writer.decode(record.payload);
    const context = this.contextOf(record);
    if (this.options.isStreaming) {
      const put = async (output: AvroRecord) => this.emit(record, output, writer);
      return Promise.resolve(this.entry(context, event, { put })).then(() => undefined);
    }
    const returned = this.entry(context, event);
    return isPromise(returned)
      ? returned.then((value) => this.emitAll(record, value, writer))
      : this.emitAll(record, returned, writer);
  }

  private emitAll(record: HostRecord, returned: unknown, writer: AvroSchemaCodec): Promise<void> | undefined {
    if (returned === undefined || returned === null) return undefined;
    if (Array.isArray(returned)) {
      // all or none: no output is sent if one of them does not fit
      const payloads = returned.map((output) => this.encoder.encode(output, writer));
      for (const payload of payloads) void this.options.events.output(record.id, payload, '');
      return undefined;
    }
    if (isIterable(returned)) return this.emitIterable(record, returned, writer);
    void this.options.events.output(record.id, this.encoder.encode(returned, writer), '');
    return undefined;
  }

  private async emitIterable(record: HostRecord, returned: unknown, writer: AvroSchemaCodec): Promise<void> {
    for await (const output of eachRecord(returned)) await this.emit(record, output, writer);
  }

  private emit(record: HostRecord, output: unknown, writer: AvroSchemaCodec): Promise<void> | undefined {
    return this.options.events.output(record.id, this.encoder.encode(output, writer), '');
  }

  private emitAside(record: HostRecord, side: string, output: AvroRecord): void {
    const encoder = this.sideEncoders.get(side);
    if (encoder === undefined) {
      const known = [...this.sideEncoders.keys()].join(', ') || 'none';
      throw new FunctionError('function-failed', `the function has no side output "${side}"; declared: ${known}`);
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

export const typeScriptHost: HostFactory = (options) => new TypeScriptHost(options);

/** A console that writes to the function's log: stdout at INFO, stderr at WARNING. */
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
