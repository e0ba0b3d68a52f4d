import type { Span, Stretches } from './stretches';

/** Stretches that a poll lists, at most: of about a thousand keys each. A listing with fewer is listed as a whole. */
const stretchesEachPoll = 20;
/** Of these, how many may be stretches that had new objects. */
const hotEachPoll = 8;

/**
 * Chooses what a poll lists: the end of the listing, where keys with a time in them arrive, stretches that had new objects a
 * short time ago, and otherwise the stretches that follow those of the poll before. So every stretch has its turn.
 */
export class PollPlan {
  /** The key up to which the turn has come. */
  private turn: string | undefined;

  constructor(private readonly stretches: Stretches) {}

  spans(): readonly Span[] {
    const { stretches } = this;
    const { count } = stretches;
    if (count <= stretchesEachPoll) return [{ after: undefined, until: undefined }];
    const chosen = new Set([count - 1, ...this.hottest()]);
    const first = this.turn === undefined ? 0 : stretches.behind(this.turn);
    let index = first;
    do {
      chosen.add(index);
      this.turn = stretches.at(index).until;
      index = (index + 1) % count;
    } while (chosen.size < stretchesEachPoll && index !== first);
    return this.joined([...chosen].sort((one, other) => one - other));
  }

  /** The hot stretches that have waited longest. */
  private hottest(): readonly number[] {
    const { stretches } = this;
    const hot: number[] = [];
    for (let index = 0; index < stretches.count; index++) if (stretches.at(index).heat > 0) hot.push(index);
    return hot.sort((one, other) => stretches.at(one).listedAt - stretches.at(other).listedAt).slice(0, hotEachPoll);
  }

  /** Stretches beside each other are one span. */
  private joined(indexes: readonly number[]): readonly Span[] {
    const spans: Span[] = [];
    for (const [at, index] of indexes.entries()) {
      const until = this.stretches.at(index).until;
      const before = spans.at(-1);
      if (before !== undefined && indexes[at - 1] === index - 1) spans[spans.length - 1] = { ...before, until };
      else spans.push({ after: this.stretches.startOf(index), until });
    }
    return spans;
  }
}
