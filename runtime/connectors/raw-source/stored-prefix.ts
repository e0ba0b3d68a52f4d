/** Counts the records that are stored without a gap from the start of a sequence, in whatever order they are stored. */
export class StoredPrefix {
  private readonly beyond = new Set<number>();
  private taken: number;

  /** The first `length` records are stored already. */
  constructor(private length: number) {
    this.taken = length;
  }

  add(index: number): void {
    this.beyond.add(index);
    while (this.beyond.delete(this.length)) this.length++;
  }

  /** The count, if it has grown since the last call. */
  takeAdvance(): number | undefined {
    if (this.length === this.taken) return undefined;
    this.taken = this.length;
    return this.length;
  }
}
