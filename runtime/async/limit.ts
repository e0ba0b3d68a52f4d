/**
 * Limits how much work runs at once. What exceeds the limit waits and starts in order of arrival.
 *
 * I1. At most `size` calls of `work` are unsettled at any time, over all calls of `run` and `map` on this limit.
 * I2. A slot is freed however its work ends.
 * I3. When `map` settles, none of its work is still running, and after a failure it starts no more.
 *
 * Work must not wait for other work on the same limit: with all slots taken by those that wait, none would end.
 */
export class Limit {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.acquire();
    return this.holdSlot(work);
  }

  /**
   * Results of work on each item, in the order of the items; items are read as slots become free. Rejects with the
   * first failure, of the work or of the iteration.
   */
  async map<T, R>(items: Iterable<T> | AsyncIterable<T>, work: (item: T) => Promise<R>): Promise<R[]> {
    const results: R[] = [];
    const running = new Set<Promise<void>>();
    const failures: unknown[] = [];
    let count = 0;
    try {
      for await (const item of items) {
        await this.acquire();
        if (failures.length > 0) {
          this.release();
          break; // I3
        }
        const index = count++;
        const task = this.holdSlot(() => work(item))
          .then(
            (result) => {
              results[index] = result;
            },
            (error) => {
              failures.push(error);
            },
          )
          .finally(() => running.delete(task));
        running.add(task);
      }
    } catch (error) {
      failures.push(error);
    }
    await Promise.all(running); // I3
    if (failures.length > 0) throw failures[0];
    return results;
  }

  private async acquire(): Promise<void> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** Runs work in an acquired slot and frees the slot. */
  private async holdSlot<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      this.release(); // I2
    }
  }

  private release(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free++;
    else next(); // hands over the slot
  }
}
