/**
 * The number of records stored without a gap from the start of a sequence, in whatever order they are stored: the
 * position from which a source resumes.
 */
export class StoredCount {
  private readonly beyondGap = new Set<number>();
  private reported: number;

  /** The first `count` records are already stored. */
  constructor(private count: number) {
    this.reported = count;
  }

  /** Adds the record with this index in the sequence. */
  add(index: number): void {
    this.beyondGap.add(index);
    while (this.beyondGap.delete(this.count)) this.count++;
  }

  /** The count if it has grown since the last call. */
  takeAdvance(): number | undefined {
    if (this.count === this.reported) return undefined;
    this.reported = this.count;
    return this.count;
  }
}
