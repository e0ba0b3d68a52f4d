import { setTimeout as delay } from 'node:timers/promises';
import type { Host } from '../../engine/host';
import type { Source, SourceRecord } from '../../engine/source-loop';
import type { ConnectorContext, SourceConnector } from '../connector';

/** Records sent on at once at most; at a rate, a tenth of a second's worth. */
const maxSlice = 1_000;

/**
 * Records of a user's generating function, called again and again. What it gave cannot be asked for twice, so a record's
 * id only tells it from the others: run, replica, the replica's start and a count.
 */
class RawSource implements Source {
  private count = 0;
  private readonly startedMs = Date.now();

  constructor(
    private readonly context: ConnectorContext,
    private readonly host: Host,
  ) {}

  async *records(signal: AbortSignal): AsyncIterable<readonly SourceRecord[]> {
    const { rate } = this.context.spec;
    const slice = rate === undefined ? maxSlice : Math.max(1, Math.min(maxSlice, Math.floor(rate / 10)));
    while (!signal.aborted) {
      const { payloads, ended } = await this.host.generate();
      for (let at = 0; at < payloads.length && !signal.aborted; at += slice) {
        yield payloads.slice(at, at + slice).map((payload) => this.record(payload));
        if (rate !== undefined) await this.keepRate(rate, signal);
      }
      if (ended) return;
      if (payloads.length === 0) await delay(100, undefined, { signal }).catch(() => undefined); // nothing for now
    }
  }

  async close(): Promise<void> {}

  private record(payload: Uint8Array): SourceRecord {
    const { spec, run, replica } = this.context;
    return { id: `${spec.function}:${run}:${replica}:${this.startedMs.toString(36)}:${this.count++}`, payload };
  }

  /** Waits until `count` records since the start are no more than the rate allows. */
  private async keepRate(rate: number, signal: AbortSignal): Promise<void> {
    const aheadMs = (this.count / rate) * 1_000 - (Date.now() - this.startedMs);
    if (aheadMs > 1) await delay(aheadMs, undefined, { signal }).catch(() => undefined);
  }
}

export const createSource: SourceConnector['createSource'] = async (context, host) => new RawSource(context, host);
