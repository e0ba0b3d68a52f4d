import type { AvroRecord } from '../../../../lib/define/sdk';
import { FunctionError } from '../../../../lib/errors';
import { FromProcess } from '../../framing/frames';
import { failureOf } from './failure';
import type { FunctionLog } from './function-log';
import type { EntryFunction } from './load';
import type { Outbox, Slice } from './outbox';
import { eachRecord, isIterable, type OutputEncoder } from './output-encoder';

/** How long a generator may yield for one response. */
const sliceMs = 10;
/** Records and bytes of one response, at most; a longer list takes several. */
const sliceRecords = 256;
const listRecords = 1_024;
const sliceBytes = 1024 * 1024;

/** A list of which a part has been sent, and the failure that follows it. */
interface List {
  payloads: readonly Uint8Array[];
  readonly failure: Error | undefined;
}

/**
 * Runs the function of a source, and responds to requests for its records.
 * S1. A failure is reported after the records that precede it.
 * S2. A generator is asked for more only while a request is open.
 */
export class SourceRunner {
  private iterator: AsyncGenerator<AvroRecord> | undefined;
  /** The call of `next` that has not resolved yet. */
  private pending: Promise<IteratorResult<AvroRecord>> | undefined;
  private list: List | undefined;
  private failure: Error | undefined;

  constructor(
    private readonly options: {
      readonly entry: EntryFunction;
      readonly encoder: OutputEncoder;
      readonly outbox: Outbox;
      readonly log: FunctionLog;
    },
  ) {}

  /** Responds to a request; the next one comes after the response. */
  async respond(request: number): Promise<void> {
    const { outbox, log } = this.options;
    try {
      const slice = await this.produce();
      log.endLines();
      outbox.slice(request, slice);
    } catch (error) {
      log.endLines();
      outbox.json(FromProcess.SourceError, { request, failure: failureOf(error) });
    }
  }

  async close(): Promise<void> {
    // a generator that is waiting may never return
    if (this.pending === undefined) await this.iterator?.return(undefined);
  }

  private async produce(): Promise<Slice> {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    if (this.list !== undefined) return this.takeList(this.list);
    if (this.iterator === undefined) {
      const returned = await this.options.entry();
      if (returned === null || returned === undefined) return { payloads: [], ended: true, isRepeatable: false };
      if (Array.isArray(returned) || !isIterable(returned)) return this.takeList(await this.listOf(returned));
      this.iterator = eachRecord(returned);
      return { payloads: [], ended: false, isRepeatable: true };
    }
    return this.yielded(this.iterator);
  }

  private async yielded(iterator: AsyncGenerator<AvroRecord>): Promise<Slice> {
    const { records, ended } = await this.take(iterator);
    const { payloads, misfits } = await this.encodeEach(records);
    const [misfit] = misfits;
    if (misfit === undefined) return { payloads, ended, isRepeatable: true };
    if (misfit.index === 0) throw misfit.error;
    this.failure = misfit.error; // after the records before it
    return { payloads: payloads.slice(0, misfit.index), ended: false, isRepeatable: true };
  }

  /** The records of a list that fit, and the failure of the others, which cannot be returned again. */
  private async listOf(returned: unknown): Promise<List> {
    const { payloads, misfits } = await this.encodeEach(returned);
    const [misfit] = misfits;
    if (misfit === undefined) return { payloads, failure: undefined };
    const others = misfits.length === 1 ? '' : `; ${misfits.length - 1} more did not fit`;
    const message = `record ${misfit.index + 1} of the list: ${misfit.error.message}${others}`;
    return { payloads, failure: new FunctionError('record-invalid', message, { cause: misfit.error }) };
  }

  private takeList(list: List): Slice {
    let count = 0;
    for (let bytes = 0; count < Math.min(list.payloads.length, listRecords) && bytes < sliceBytes; count++) {
      bytes += list.payloads[count]?.length ?? 0;
    }
    const payloads = list.payloads.slice(0, count);
    list.payloads = list.payloads.slice(count);
    const isDone = list.payloads.length === 0;
    this.list = isDone ? undefined : list;
    if (isDone) this.failure = list.failure;
    return { payloads, ended: false, isRepeatable: false, hasMore: !isDone || list.failure !== undefined };
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
      while (records.length < sliceRecords && (records.length === 0 || performance.now() < until)) {
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
        payloads.push(this.options.encoder.encode(record));
      } catch (error) {
        misfits.push({ index, error: error as Error });
      }
      index++;
    }
    return { payloads, misfits };
  }
}
