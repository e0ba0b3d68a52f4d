/**
 * The connection of one replica to streams in memory. Closing it is what a kill of the process does: nothing that the replica
 * does from now on has an effect, and its unacked messages are delivered again.
 */
export class MemoryConnection {
  private readonly listeners: (() => void)[] = [];
  private closed = false;

  get isClosed(): boolean {
    return this.closed;
  }

  /** `listener` is called once, at the close, or now if that is over. */
  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.listeners.push(listener);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const listener of this.listeners) listener();
  }
}
