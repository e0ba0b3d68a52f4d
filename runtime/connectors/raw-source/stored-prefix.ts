/** Counts the records of a sequence that are stored without a gap from its start; they are stored in any order. */
export class StoredPrefix {
  private readonly beyond = new Set<number>();
  private taken: number;

  /** The first `length` are stored already. */
  constructor(private length: number) {
    this.taken = length;
  }

  add(index: number): void {
    this.beyond.add(index);
    while (this.beyond.delete(this.length)) this.length++;
  }

  /** The number of records stored without a gap, when it has grown since it was last taken. */
  takeAdvance(): number | undefined {
    if (this.length === this.taken) return undefined;
    this.taken = this.length;
    return this.length;
  }
}
