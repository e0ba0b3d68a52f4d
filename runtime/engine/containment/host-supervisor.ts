import { ConfigError, KFlowError } from '../../../lib/errors';
import { Backoff } from '../../async/backoff';
import type { CreateHost, Host, HostEvents, HostRecord } from '../ports/host';

/** Crashes in a row, without an outcome of a record between them, after which the function counts as broken. */
const maxIdleCrashes = 5;
const restartDelays = { firstMs: 1_000, maxMs: 15_000 };

/** The events of the current host, and the changes of hosts. */
export interface SupervisorEvents extends Omit<HostEvents, 'crashed'> {
  /**
   * The host has crashed, and another will be opened. Returns whether the crash has an outcome: whether a record was in the
   * host.
   */
  lost(cause: KFlowError): boolean;
  /** Another host is open, and takes records. */
  reopened(): void;
  /** No host can be opened any more. */
  broken(cause: Error): void;
}

/**
 * Keeps a host running: opens another one after a crash or a kill.
 *
 * I1. Only the current host's events are passed on: a host that crashed or was killed reports nothing more.
 * I2. After a crash without a record in the host, the next host opens with a delay. `maxIdleCrashes` of them in a row, or a
 *     host that refuses to load, end the supervision with `broken`.
 * I3. After `retire`, no host is opened.
 */
export class HostSupervisor {
  private host: Host | undefined;
  private isOpen = false;
  private isRetired = false;
  private idleCrashes = 0;
  private readonly delays = new Backoff(restartDelays);
  /** The last opening, with the delay before it. */
  private opening: Promise<void> = Promise.resolve();
  private wake: () => void = () => undefined;
  private known = 1;

  constructor(
    private readonly create: CreateHost,
    private readonly events: SupervisorEvents,
  ) {}

  /** Opens the first host. Rejects with its error when it cannot load the code. */
  async open(): Promise<void> {
    await this.openNext();
  }

  /** True when a host takes records. */
  get isReady(): boolean {
    return this.isOpen;
  }

  /** Whether the host has state that must not be lost: the function has a finish. */
  get keepsState(): boolean {
    return this.host?.hasFinish === true;
  }

  /** Whether the function requests acks itself. */
  get acksManually(): boolean {
    return this.host?.acksManually === true;
  }

  /** Runs the function's finish, with this id. The supervision must be ready. */
  finish(id: number): void {
    this.host?.finish?.(id);
  }

  /** Limit of records that a host processes concurrently. */
  get concurrency(): number {
    return this.known;
  }

  /** Whether the host reports each record that it starts. */
  get reportsBegan(): boolean {
    return this.host?.reportsBegan === true;
  }

  /** Hands records over. The supervision must be ready. */
  process(records: readonly HostRecord[]): void {
    this.host?.process(records);
  }

  /** Makes the host report the records that it has not started as `released`. */
  release(): void {
    if (this.isOpen) this.host?.release();
  }

  /** Tells the code of a record that its result is not needed any more. */
  cancel(id: number): void {
    if (this.isOpen) this.host?.cancel?.(id);
  }

  /** Makes the host write a bulk that waits. */
  flush(): void {
    if (this.isOpen) this.host?.flush?.();
  }

  /** A record that the host processed has an outcome: crashes before it do not count (I2). */
  progressed(): void {
    if (this.idleCrashes === 0) return;
    this.idleCrashes = 0;
    this.delays.reset();
  }

  /** Kills the host at once and opens another. */
  replace(): void {
    const killed = this.host;
    this.host = undefined;
    this.isOpen = false;
    this.reopen(0, killed?.kill());
  }

  /** No other host is opened from now on; one that is opening is killed. */
  retire(): void {
    this.isRetired = true;
    this.wake();
    if (!this.isOpen) void this.host?.kill();
  }

  /** Closes the host; one that still runs code when `isUrgent` is killed. */
  async close(isUrgent = false): Promise<void> {
    this.retire();
    const { host, isOpen } = this;
    this.isOpen = false;
    if (isOpen && !isUrgent) await host?.close();
    else await host?.kill();
    await this.opening.catch(() => undefined);
  }

  private async openNext(): Promise<void> {
    const host = this.create(this.eventsOf(() => this.host === host));
    this.host = host;
    await host.open();
    if (this.host !== host || this.isRetired) return;
    this.known = host.concurrency;
    this.isOpen = true;
  }

  private onCrash(cause: KFlowError): void {
    this.host = undefined;
    this.isOpen = false;
    if (this.events.lost(cause)) this.reopen(0);
    else this.afterIdleCrash(cause);
  }

  private afterIdleCrash(cause: KFlowError): void {
    if (this.isRetired) return;
    this.idleCrashes++;
    if (this.idleCrashes >= maxIdleCrashes) {
      this.events.broken(cause);
      return;
    }
    const delayMs = this.delays.next();
    this.events.log(
      'ERROR',
      `the function's code ended between records, restarting it in ${delayMs} ms: ${cause.message}`,
    );
    this.reopen(delayMs);
  }

  private reopen(delayMs: number, gone: Promise<void> = Promise.resolve()): void {
    if (this.isRetired) return;
    this.opening = this.reopenAfter(delayMs, gone);
  }

  private async reopenAfter(delayMs: number, gone: Promise<void>): Promise<void> {
    await gone;
    if (delayMs > 0) await this.sleep(delayMs);
    if (this.isRetired) return;
    try {
      await this.openNext();
    } catch (error) {
      this.host = undefined;
      if (this.isRetired) return; // killed while it opened
      if (error instanceof ConfigError || !(error instanceof KFlowError)) this.events.broken(error as Error);
      else this.afterIdleCrash(error);
      return;
    }
    if (this.isOpen) this.events.reopened();
  }

  /** Resolves after the delay, or at the close. */
  private sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Events of one host, as long as it is the current one (I1). */
  private eventsOf(isCurrent: () => boolean): HostEvents {
    const { events } = this;
    return {
      began: (id) => {
        if (isCurrent()) events.began?.(id);
      },
      waits: (id, why) => {
        if (isCurrent()) events.waits?.(id, why);
      },
      output: (id, payload, side) => (isCurrent() ? events.output(id, payload, side) : undefined),
      done: (id) => {
        if (isCurrent()) events.done(id);
      },
      failed: (id, failure) => {
        if (isCurrent()) events.failed(id, failure);
      },
      released: (id) => {
        if (isCurrent()) events.released(id);
      },
      heartbeat: (id) => {
        if (isCurrent()) events.heartbeat(id);
      },
      ackRequested: (id) => {
        if (isCurrent()) events.ackRequested?.(id);
      },
      log: (level, text, id) => events.log(level, text, id),
      crashed: (cause) => {
        if (isCurrent()) this.onCrash(cause);
      },
    };
  }
}
