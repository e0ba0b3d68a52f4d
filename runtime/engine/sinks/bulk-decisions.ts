import type { BulkDecision, SequenceRange } from '../ports/bulk-log';

/** Ranges are kept in blocks of this many sequences, so that a look-up searches few. */
const blockSize = 1_024;

interface Piece {
  readonly first: number;
  readonly last: number;
  readonly number: number;
}

/** Decisions about bulks, by the records that they contain. */
export class BulkDecisions {
  private readonly byNumber = new Map<number, BulkDecision>();
  /** By input and number of the block. */
  private readonly blocks = new Map<string, Piece[]>();

  /** Adds a decision, or replaces the one of this number. */
  add(decision: BulkDecision): void {
    const isNew = !this.byNumber.has(decision.number);
    this.byNumber.set(decision.number, decision);
    if (isNew) for (const range of decision.ranges) this.addRange(decision, range);
  }

  of({ input, sequence }: { readonly input: number; readonly sequence: number }): BulkDecision | undefined {
    const pieces = this.blocks.get(`${input} ${Math.floor(sequence / blockSize)}`) ?? [];
    const found = pieces.find(({ first, last }) => first <= sequence && sequence <= last);
    return found === undefined ? undefined : this.byNumber.get(found.number);
  }

  /** Forgets the decision of this number, if there is one. */
  remove(number: number): void {
    const decision = this.byNumber.get(number);
    if (decision === undefined) return;
    this.byNumber.delete(number);
    for (const [first, last] of decision.ranges) {
      for (const key of blocksOf(decision.input, [first, last])) {
        const rest = (this.blocks.get(key) ?? []).filter((piece) => piece.number !== number);
        if (rest.length === 0) this.blocks.delete(key);
        else this.blocks.set(key, rest);
      }
    }
  }

  private addRange({ input, number }: BulkDecision, [first, last]: SequenceRange): void {
    for (const key of blocksOf(input, [first, last])) {
      const pieces = this.blocks.get(key) ?? [];
      pieces.push({ first, last, number });
      this.blocks.set(key, pieces);
    }
  }
}

function blocksOf(input: number, [first, last]: SequenceRange): readonly string[] {
  const keys: string[] = [];
  for (let block = Math.floor(first / blockSize); block <= Math.floor(last / blockSize); block++) {
    keys.push(`${input} ${block}`);
  }
  return keys;
}

/** Ascending sequences as ranges. */
export function rangesOf(sequences: readonly number[]): readonly SequenceRange[] {
  const ranges: [number, number][] = [];
  for (const sequence of sequences) {
    const last = ranges.at(-1);
    if (last !== undefined && sequence === last[1] + 1) last[1] = sequence;
    else ranges.push([sequence, sequence]);
  }
  return ranges;
}

export function sequencesOf(ranges: readonly SequenceRange[]): readonly number[] {
  return ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index));
}
