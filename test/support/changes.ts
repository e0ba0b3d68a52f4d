/** Notifies waiters for a condition over values in memory. */
export class Changes {
  private readonly wakers = new Set<() => void>();
  /** Number of waits in progress. */
  waiting = 0;

  notify(): void {
    for (const wake of [...this.wakers]) wake();
  }

  /** True once the condition holds, false when the signal is aborted first. */
  async until(condition: () => boolean, signal: AbortSignal): Promise<boolean> {
    this.waiting += 1;
    try {
      while (!condition() && !signal.aborted) await this.next(signal);
      return !signal.aborted;
    } finally {
      this.waiting -= 1;
    }
  }

  private next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.wakers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.wakers.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}
