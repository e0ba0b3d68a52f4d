import type { AvroRecord } from '../../../../lib/define/sdk';
import { FromProcess } from '../../framing/frames';
import { failureOf } from './failure';
import type { FunctionLog } from './function-log';
import type { EntryFunction } from './load';
import type { Outbox, Produced, Slice } from './outbox';
import { eachRecord, isIterable, type OutputEncoder } from './output-encoder';
import { encodeEach, encodeOne, sizeOf, sliceBytes, sliceRecords } from './source-records';

/** How long a generator may yield for one response. */
const sliceMs = 10;
/** Records of a generator in one response, at most. */
const yieldedRecords = 256;

/**
 * Runs the function of a source, and responds to requests for its records.
 * S1. A failure is reported after the records that precede it.
 * S2. A generator is asked for more only while a request is open.
 * S3. A record that does not fit takes its place among the others, with the reason: it is no failure of the function.
 */
export class SourceRunner {
  private iterator: AsyncGenerator<AvroRecord> | undefined;
  /** The call of `next` that has not resolved yet. */
  private pending: Promise<IteratorResult<AvroRecord>> | undefined;
  /** What is left of a list of which a part has been sent. */
  private list: readonly Produced[] | undefined;

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
    if (this.list !== undefined) return this.takeList(this.list);
    if (this.iterator === undefined) {
      const returned = await this.options.entry();
      if (returned === null || returned === undefined) return { records: [], ended: true, isRepeatable: false };
      if (Array.isArray(returned) || !isIterable(returned))
        return this.takeList(await encodeEach(returned, this.options.encoder));
      this.iterator = eachRecord(returned);
      return { records: [], ended: false, isRepeatable: true };
    }
    return { ...(await this.take(this.iterator)), isRepeatable: true };
  }

  private takeList(list: readonly Produced[]): Slice {
    let count = 0;
    for (let bytes = 0; count < Math.min(list.length, sliceRecords) && bytes < sliceBytes; count++) {
      bytes += sizeOf(list[count]);
    }
    const hasMore = count < list.length;
    this.list = hasMore ? list.slice(count) : undefined;
    return { records: list.slice(0, count), ended: false, isRepeatable: false, hasMore };
  }

  /** The next records: a full slice, or those that the iterator yielded before it paused. */
  private async take(iterator: AsyncGenerator<AvroRecord>): Promise<{ records: Produced[]; ended: boolean }> {
    const records: Produced[] = [];
    const until = performance.now() + sliceMs;
    let timer: NodeJS.Timeout | undefined;
    const pause = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), sliceMs);
    });
    try {
      while (records.length < yieldedRecords && (records.length === 0 || performance.now() < until)) {
        this.pending ??= iterator.next();
        const result = await (records.length === 0 ? this.pending : Promise.race([this.pending, pause]));
        if (result === undefined) break;
        this.pending = undefined;
        if (result.done === true) return { records, ended: true };
        records.push(encodeOne(result.value, this.options.encoder));
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
}
