import type { Log } from '../log';

/** How long a refusal may last: a server that restarts may refuse valid credentials for a moment. */
const defaultGraceMs = 20_000;

/** The part of a worker that the guard stops. */
export interface GuardedWorker {
  suspend(): void;
  resume(): void;
}

/** What a client reports about the credentials of this process. */
export interface AccessReports {
  refused(error: Error): void;
  accepted(): void;
}

/**
 * Keeps a controller whose credentials a server refuses from taking work. Other controllers, or this one after a restart, do
 * that work; no flow fails because of it.
 *
 * I1. The worker is suspended as long as any server refuses the credentials.
 * I2. When a server has refused them for the whole grace time, `lost` resolves: the process must end.
 */
export class AccessGuard {
  /** Resolves with the reason when the access is lost for good. */
  readonly lost: Promise<string>;
  private readonly reasons = new Map<string, string>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private worker: GuardedWorker | undefined;
  private lose: (reason: string) => void = () => undefined;

  constructor(
    private readonly log: Log,
    private readonly graceMs = defaultGraceMs,
  ) {
    this.lost = new Promise((resolve) => {
      this.lose = resolve;
    });
  }

  /** One line for each server that refuses the credentials. */
  get refusals(): readonly string[] {
    return [...this.reasons.values()];
  }

  protect(worker: GuardedWorker): void {
    this.worker = worker;
    if (this.reasons.size > 0) worker.suspend();
  }

  /** The reports of the client of one server. */
  watch(server: string): AccessReports {
    return { refused: (error) => this.refuse(server, error), accepted: () => this.accept(server) };
  }

  /** Suspends the worker for good, because the process is about to end. */
  retire(): void {
    const { worker } = this;
    this.worker = undefined;
    worker?.suspend();
  }

  close(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
  }

  private refuse(server: string, error: Error): void {
    if (this.reasons.has(server)) return;
    const reason = `${server} refuses the credentials: ${error.message}`;
    this.reasons.set(server, reason);
    this.timers.set(
      server,
      setTimeout(() => this.lose(reason), this.graceMs),
    );
    this.log('ERROR', `${reason}; taking no work until it accepts them, for at most ${this.graceMs / 1_000} s`);
    this.worker?.suspend();
  }

  private accept(server: string): void {
    if (!this.reasons.delete(server)) return;
    clearTimeout(this.timers.get(server));
    this.log('INFO', `${server} accepts the credentials again`);
    if (this.reasons.size === 0) this.worker?.resume();
  }
}
