import { pause } from '../../async/pause';
import type { SourcePosition } from '../../engine/ports/flow-state';
import type { Generated } from '../../engine/ports/host';
import type { Source, SourceRecord } from '../../engine/ports/source';
import type { SourceConnector, SourceContext } from '../connector';
import { StoredCount } from '../stored-count';
import { unlessAborted } from '../unless-aborted';

/** Maximum number of records in a slice. With a `rate`, a slice holds the records of a tenth of a second. */
const maxSlice = 1_000;
const saveEveryMs = 250;

/**
 * Emits the records of the user's function.
 *
 * I1. The id of a generator's record consists of the run, the replica and the index of the record. After a restart the
 *     generator runs again: records before the saved position are skipped, and the stream drops stored ones by their id.
 * I2. A function that returns lists cannot be replayed: each of its records has a new id, made of the replica's start
 *     time and a counter.
 */
class RawSource implements Source {
  private count = 0;
  private isGenerator = false;
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
    const { rate } = this.context.spec;
    const slice = rate === undefined ? maxSlice : Math.max(1, Math.min(maxSlice, Math.floor(rate / 10)));
    let index = 0;
    let sent = 0;
    while (!signal.aborted) {
      const generated = await this.generate(signal);
      if (generated === undefined) return;
      const { payloads, ended, isRepeatable } = generated;
      const records = payloads.map((payload) =>
        isRepeatable ? this.repeatable(payload, index++) : this.unique(payload),
      );
      const fresh = records.filter((record) => record !== undefined);
      for (let at = 0; at < fresh.length && !signal.aborted; at += slice) {
        const part = fresh.slice(at, at + slice);
        yield part;
        sent += part.length;
        if (rate !== undefined) await this.keepRate(sent, rate, signal);
      }
      if (ended) return;
      if (payloads.length === 0) await pause(100, signal); // nothing to emit at the moment
    }
  }

  async close(): Promise<void> {
    clearInterval(this.saving);
    this.save();
  }

  /** Undefined when the signal is aborted while a generator waits: after a restart it yields the same records (I1). */
  private async generate(signal: AbortSignal): Promise<Generated | undefined> {
    const generating = this.context.generate();
    const generated = await (this.isGenerator ? unlessAborted(generating, signal) : generating);
    this.isGenerator ||= generated?.isRepeatable === true;
    return generated;
  }

  /** Undefined for a record that was stored before a restart (I1). */
  private repeatable(payload: Uint8Array, index: number): SourceRecord | undefined {
    if (index < this.position.start) return undefined;
    const { spec, run, replica } = this.context;
    return { id: `${spec.function}:${run}:${replica}:${index}`, payload, stored: () => this.stored.add(index) };
  }

  private unique(payload: Uint8Array): SourceRecord {
    const { spec, run, replica } = this.context;
    return { id: `${spec.function}:${run}:${replica}:${this.startedMs.toString(36)}:${this.count++}`, payload };
  }

  private save(): void {
    const advanced = this.stored.takeAdvance();
    if (advanced !== undefined) this.position.save(advanced);
  }

  /** Waits until the rate allows the records sent so far. */
  private async keepRate(sent: number, rate: number, signal: AbortSignal): Promise<void> {
    const aheadMs = (sent / rate) * 1_000 - (Date.now() - this.startedMs);
    if (aheadMs > 1) await pause(aheadMs, signal);
  }
}

export const connector: SourceConnector = {
  open: async (context) => new RawSource(context, await context.position()),
};
