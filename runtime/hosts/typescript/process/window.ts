const maxCount = 64;
const maxBytes = 16 * 1024 * 1024;

/**
 * Limits the outputs that are sent to the runtime and not stored yet.
 * W1. An output is taken while fewer than 64 outputs and 16 MiB are not stored, or when none is.
 * W2. Those who wait are served in the order in which they came.
 */
export class Window {
  private count = 0;
  private bytes = 0;
  private readonly waiting: { readonly size: number; readonly resolve: () => void }[] = [];

  /** Counts an output; the promise, if there is one, resolves when there is room for it. */
  take(size: number): Promise<void> | undefined {
    if (this.waiting.length === 0 && this.hasRoom(size)) {
      this.charge(size);
      return undefined;
    }
    return new Promise((resolve) => this.waiting.push({ size, resolve }));
  }

  /** Counts an output that does not wait. */
  charge(size: number): void {
    this.count++;
    this.bytes += size;
  }

  /** The runtime has stored outputs. */
  credit(count: number, bytes: number): void {
    this.count -= count;
    this.bytes -= bytes;
    for (let next = this.waiting[0]; next !== undefined && this.hasRoom(next.size); next = this.waiting[0]) {
      this.waiting.shift();
      this.charge(next.size);
      next.resolve();
    }
  }

  private hasRoom(size: number): boolean {
    return this.count === 0 || (this.count < maxCount && this.bytes + size <= maxBytes);
  }
}
