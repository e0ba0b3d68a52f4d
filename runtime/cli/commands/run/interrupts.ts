/**
 * Counts Ctrl-C and SIGTERM from the first to the last line of a run. The `exitAt`th ends this process at once, and with it,
 * by their guards, every process of the run.
 */
export class Interrupts {
  count = 0;
  exitAt = 1;
  private wake: () => void = () => undefined;
  private readonly listener = () => {
    this.count++;
    if (this.count >= this.exitAt) process.exit(130);
    this.wake();
  };

  constructor() {
    process.on('SIGINT', this.listener);
    process.on('SIGTERM', this.listener);
  }

  /** Resolves after the time, or at once on an interrupt. */
  waitAtMost(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  close(): void {
    process.off('SIGINT', this.listener);
    process.off('SIGTERM', this.listener);
  }
}
