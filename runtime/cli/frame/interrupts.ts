import { ExitStatus } from './exit-status';

/**
 * Counts Ctrl-C and SIGTERM while a command handles them. The signal with number `exitAt` ends this process at once and,
 * through their guards, every process that it started.
 */
export class Interrupts {
  count = 0;
  exitAt = 1;
  private wake: () => void = () => undefined;
  private readonly listener = () => {
    this.count++;
    if (this.count >= this.exitAt) process.exit(ExitStatus.Interrupted);
    this.wake();
  };

  constructor() {
    process.on('SIGINT', this.listener);
    process.on('SIGTERM', this.listener);
  }

  /** Resolves after the time, or earlier on an interrupt. */
  waitAtMost(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Resolves on the first interrupt. */
  async first(): Promise<void> {
    while (this.count === 0) await this.waitAtMost(60_000);
  }

  /** Restores the default handling, so that the next signal ends the process. */
  close(): void {
    process.off('SIGINT', this.listener);
    process.off('SIGTERM', this.listener);
  }
}
