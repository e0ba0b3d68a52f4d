import { setMaxListeners } from 'node:events';

/** What runs for each namespace from its first call until `close`. */
export class Listening {
  private readonly begun = new Map<string, Promise<void>>();
  private readonly closing = new AbortController();

  constructor() {
    setMaxListeners(0, this.closing.signal); // one for each namespace
  }

  /** Resolves when `listen` has called `begun`; a later call for the namespace waits for the first one. */
  start(namespace: string, listen: (signal: AbortSignal, begun: () => void) => Promise<void>): Promise<void> {
    const known = this.begun.get(namespace);
    if (known !== undefined) return known;
    const begun = new Promise<void>((resolve, reject) => {
      listen(this.closing.signal, resolve).then(
        () => this.begun.delete(namespace),
        (error) => {
          this.begun.delete(namespace);
          reject(error);
        },
      );
    });
    this.begun.set(namespace, begun);
    return begun;
  }

  close(): void {
    this.closing.abort();
  }
}
