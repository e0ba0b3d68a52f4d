/**
 * Serves many requests with few runs: requests that arrive while a run is in progress share the next one, which begins after
 * all of them.
 */
export class Batched<Request> {
  private waiting: Request[] = [];
  private next: Promise<void> | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly run: (requests: readonly Request[]) => Promise<void>) {}

  /** Resolves or rejects with the run that serves the request. */
  add(request: Request): Promise<void> {
    this.waiting.push(request);
    this.next ??= this.running.then(() => {
      this.next = undefined;
      const run = this.run(this.waiting.splice(0));
      this.running = run.catch(() => undefined);
      return run;
    });
    return this.next;
  }
}
