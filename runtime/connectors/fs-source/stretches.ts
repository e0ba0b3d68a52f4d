import { compareKeys } from './key-order';

/** A part of the listing, from the end of the one before to `until`. */
export interface Stretch {
  /** Its last key; undefined: it ends with the listing. */
  readonly until: string | undefined;
  /** Of the fingerprints in its note; undefined: it has no note yet. */
  digest: string | undefined;
  /** In how many of the next polls it is listed, because it had new objects a short time ago. */
  heat: number;
  /** The last poll that listed it. */
  listedAt: number;
}

/** What is listed in one go: the stretches behind the key `after`, up to the one that ends with `until`. */
export interface Span {
  /** Undefined: from the start of the listing. */
  readonly after: string | undefined;
  /** Undefined: to the end of the listing. */
  readonly until: string | undefined;
}

/**
 * The stretches of a listing, in order. Each key belongs to exactly one of them; the last one is endless. They are all that a
 * source keeps in memory of a listing: some 200 bytes for a thousand objects.
 */
export class Stretches {
  private readonly all: Stretch[];

  constructor(noted: readonly Pick<Stretch, 'until' | 'digest'>[]) {
    const cold = noted.map(({ until, digest }): Stretch => ({ until, digest, heat: 0, listedAt: 0 }));
    const bounded = cold.filter(({ until }) => until !== undefined).sort((one, other) => order(one, other));
    const last = cold.find(({ until }) => until === undefined);
    this.all = [...bounded, last ?? { until: undefined, digest: undefined, heat: 0, listedAt: 0 }];
  }

  get count(): number {
    return this.all.length;
  }

  at(index: number): Stretch {
    return this.all[index] as Stretch;
  }

  /** The stretches from one to another, both included. */
  range(first: number, last: number): readonly Stretch[] {
    return this.all.slice(first, last + 1);
  }

  /** The key behind which a stretch begins. */
  startOf(index: number): string | undefined {
    return index === 0 ? undefined : this.at(index - 1).until;
  }

  /** The index of the stretch that has the keys right behind this one. */
  behind(key: string | undefined): number {
    if (key === undefined) return 0;
    let [low, high] = [0, this.all.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBeyond(key, this.at(middle).until)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /**
   * Puts a stretch that ends with `until` in the place of those from `first` on that end there or before. Returns the new one,
   * and those that it replaces. `until` lies in the stretch `last`.
   */
  replace(first: number, last: number, until: string | undefined): { made: Stretch; replaced: readonly Stretch[] } {
    const made: Stretch = { until, digest: undefined, heat: 0, listedAt: 0 };
    const isWhole = this.at(last).until === until;
    const replaced = this.all.splice(first, last - first + (isWhole ? 1 : 0), made);
    return { made, replaced };
  }
}

/** Whether the stretch that ends with `until` has keys behind this one. */
function isBeyond(key: string, until: string | undefined): boolean {
  return until === undefined || compareKeys(until, key) > 0;
}

function order(one: Stretch, other: Stretch): number {
  return compareKeys(one.until ?? '', other.until ?? '');
}
