import type { FlowStatus } from '../../api-contract/flow-status';

/** Rates are those of about this long. */
const windowMs = 10_000;

interface Sample {
  readonly atMs: number;
  readonly moved: ReadonlyMap<string, number>;
}

/** Records a second of each function, of the statuses that it is shown: what a function takes in, or a source gives. */
export class Rates {
  private samples: readonly Sample[] = [];

  /** By function; none while there is nothing to compare with. */
  take(status: FlowStatus, nowMs: number): ReadonlyMap<string, number> {
    const moved = new Map(status.functions.map((fn) => [fn.function, fn.in ?? fn.out ?? 0]));
    // one sample from before the window stays, so that there is something to compare with after a quiet time
    const since = this.samples.findLastIndex(({ atMs }) => nowMs - atMs >= windowMs);
    this.samples = [...this.samples.slice(Math.max(0, since)), { atMs: nowMs, moved }];
    const [oldest] = this.samples;
    if (oldest === undefined || nowMs - oldest.atMs < 500) return new Map();
    const perSecond = (name: string, count: number) =>
      Math.max(0, ((count - (oldest.moved.get(name) ?? count)) * 1_000) / (nowMs - oldest.atMs));
    return new Map([...moved].map(([name, count]) => [name, perSecond(name, count)]));
  }
}
