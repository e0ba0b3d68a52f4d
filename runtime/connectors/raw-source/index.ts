import { countedRecords } from '../../../lib/counted';
import { pause } from '../../async/pause';
import type { SourcePosition } from '../../engine/ports/flow-state';
import type { Generated } from '../../engine/ports/host';
import type { Lost, Source, SourceRecord } from '../../engine/ports/source';
import type { SourceConnector, SourceContext } from '../connector';
import { StoredCount } from '../stored-count';
import { unlessAborted } from '../unless-aborted';

/** Maximum number of records in a slice. With a `rate`, a slice holds the records of a tenth of a second. */
const maxSlice = 1_000;
const saveEveryMs = 250;
/** Time between two calls of a function that has nothing to return. */
const idleMs = 100;

/**
 * Emits the records of the user's function.
 *
 * I1. The id of a generator's record consists of the run, the replica and the index of the record. After a restart the
 *     generator runs again: records before the saved position are skipped, and those behind it whose ids are in the stream.
 * I2. A function that returns lists cannot be replayed: each of its records has a new id, made of the replica's start
 *     time and a counter.
 * I3. A function that returns lists is called again only when every record of its last list is stored.
 * I4. After the signal, the function is not called again. A list is emitted to its end, without regard to the rate: the
 *     one in hand, and the one that the call in progress returns.
 */
class RawSource implements Source {
  private count = 0;
  private isGenerator = false;
  /** Whether a function that may return a list is being called. */
  private isCalling = false;
  /** Records of a list that are not stored yet. */
  private unstored = 0;
  private resume: () => void = () => undefined;
  /** Ids of a generator's records that were stored before this start; read when it is known that there is a generator. */
  private storedIds: ReadonlySet<string> = new Set();
  private readonly startedMs = Date.now();
  private readonly stored: StoredCount;
  private readonly saving: NodeJS.Timeout;

  constructor(
    private readonly context: SourceContext,
    private readonly position: SourcePosition,
  ) {
    this.stored = new StoredCount(position.start);
    this.saving = setInterval(() => this.save(), saveEveryMs);
  }

  async *records(signal: AbortSignal): AsyncIterable<readonly SourceRecord[]> {
    let index = 0;
    let isInList = false;
    const paced = this.pace(signal);
    while (!signal.aborted || isInList) {
      const generated = await this.generate(signal);
      if (generated === undefined) return;
      const { ended, isRepeatable } = generated;
      isInList = generated.hasMore === true;
      const records = itemsOf(generated).map((item) =>
        isRepeatable ? this.repeatable(item, index++) : this.unique(item),
      );
      yield* paced(records.filter((record) => record !== undefined));
      if (ended) return;
      if (isRepeatable || isInList) continue;
      await this.allStored(signal); // I3
      if (records.length === 0) await pause(idleMs, signal);
    }
  }

  unsaved(): Lost | undefined {
    const count = this.unstored;
    if (count > 0) return { count, text: countedRecords(count) };
    return this.isCalling ? { count: 1, text: 'the records of a call that has not returned' } : undefined;
  }

  async close(): Promise<void> {
    clearInterval(this.saving);
    this.save();
  }

  /** Undefined when the signal is aborted while a generator waits: after a restart it yields the same records (I1). */
  private async generate(signal: AbortSignal): Promise<Generated | undefined> {
    const generating = this.context.generate();
    if (this.isGenerator) return unlessAborted(generating, signal);
    this.isCalling = true;
    try {
      const generated = await generating;
      this.isGenerator = generated.isRepeatable;
      if (this.isGenerator) this.storedIds = new Set(await this.context.recentIds());
      return generated;
    } finally {
      this.isCalling = false;
    }
  }

  /** Emits records in slices, not faster than the rate; after the signal, only those that cannot be emitted later (I4). */
  private pace(signal: AbortSignal) {
    const { rate } = this.context.spec;
    const size = rate === undefined ? maxSlice : Math.max(1, Math.min(maxSlice, Math.floor(rate / 10)));
    let sent = 0;
    const isOver = () => signal.aborted && this.isGenerator;
    const { keepRate } = this;
    return async function* paced(records: readonly SourceRecord[]) {
      for (let at = 0; at < records.length && !isOver(); at += size) {
        const part = records.slice(at, at + size);
        yield part;
        sent += part.length;
        if (rate !== undefined) await keepRate(sent, rate, signal);
      }
    };
  }

  /** Undefined for a record that was stored before a restart (I1). */
  private repeatable(item: Item, index: number): SourceRecord | undefined {
    if (index < this.position.start) return undefined;
    const { spec, run, replica } = this.context;
    const id = `${spec.function}:${run}:${replica}:${index}`;
    const stored = () => this.stored.add(index);
    if (!this.storedIds.has(id)) return { ...item, id, stored };
    stored();
    return undefined;
  }

  private unique(item: Item): SourceRecord {
    const { spec, run, replica } = this.context;
    const id = `${spec.function}:${run}:${replica}:${this.startedMs.toString(36)}:${this.count++}`;
    this.unstored++;
    const stored = () => {
      this.unstored--;
      if (this.unstored === 0) this.resume();
    };
    return { ...item, id, stored };
  }

  /** Resolves when every record of the list is stored, or when the signal is aborted. */
  private async allStored(signal: AbortSignal): Promise<void> {
    if (this.unstored === 0) return;
    const stored = new Promise<void>((resolve) => {
      this.resume = resolve;
    });
    await unlessAborted(stored, signal);
  }

  private save(): void {
    const advanced = this.stored.takeAdvance();
    if (advanced !== undefined) this.position.save(advanced);
  }

  /** Waits until the rate allows the records sent so far. */
  private readonly keepRate = async (sent: number, rate: number, signal: AbortSignal): Promise<void> => {
    const aheadMs = (sent / rate) * 1_000 - (Date.now() - this.startedMs);
    if (aheadMs > 1) await pause(aheadMs, signal);
  };
}

/** What a function produced: a record, or one that does not fit. */
type Item = Pick<SourceRecord, 'payload' | 'misfit'>;

/** The records of an answer in their order. */
function itemsOf({ payloads, misfits = [] }: Generated): readonly Item[] {
  const items: Item[] = [];
  let next = 0;
  for (const { before, failure, record } of misfits) {
    for (; next < before; next++) items.push({ payload: payloads[next] ?? Buffer.of() });
    items.push({ payload: Buffer.from(record), misfit: failure });
  }
  for (; next < payloads.length; next++) items.push({ payload: payloads[next] ?? Buffer.of() });
  return items;
}

export const connector: SourceConnector = {
  open: async (context) => new RawSource(context, await context.position()),
};
