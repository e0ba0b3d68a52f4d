import type { MemoryConnection } from '../adapters/memory/memory-connection';
import type { CreateHost, Generated, Host, HostEvents, HostRecord } from '../engine/ports/host';

export interface Watch {
  readonly connection: MemoryConnection;
  /** Called when the host has got a record. */
  readonly onRecord: (record: HostRecord) => void;
}

/**
 * A host that ends with the connection of its replica, as the process of a killed replica does: at once, without its finish,
 * and without an event.
 */
export class WatchedHost implements Host {
  private readonly host: Host;
  private end: Promise<void> | undefined;

  constructor(
    create: CreateHost,
    events: HostEvents,
    private readonly watch: Watch,
  ) {
    this.host = create(this.whileOpen(events));
    watch.connection.onClose(() => void this.kill());
  }

  get concurrency(): number {
    return this.host.concurrency;
  }

  get reportsBegan(): true | undefined {
    return this.host.reportsBegan;
  }

  get hasFinish(): boolean {
    return this.host.hasFinish === true && !this.watch.connection.isClosed;
  }

  get acksManually(): boolean {
    return this.host.acksManually === true;
  }

  open(): Promise<void> {
    return this.host.open();
  }

  process(records: readonly HostRecord[]): void {
    if (this.watch.connection.isClosed) return;
    this.host.process(records);
    for (const record of records) this.watch.onRecord(record);
  }

  generate(): Promise<Generated> {
    return this.host.generate();
  }

  finish(id: number): void {
    this.host.finish?.(id);
  }

  release(): void {
    if (this.end === undefined) this.host.release();
  }

  flush(): void {
    this.host.flush?.();
  }

  /** Resolves when the process is gone. */
  kill(): Promise<void> {
    this.end = this.host.kill();
    return this.end;
  }

  close(): Promise<void> {
    this.end ??= this.host.close();
    return this.end;
  }

  private whileOpen(events: HostEvents): HostEvents {
    const { connection } = this.watch;
    const pass = <A extends unknown[]>(event: ((...values: A) => void) | undefined) => {
      return (...values: A) => {
        if (!connection.isClosed) event?.apply(events, values);
      };
    };
    return {
      began: pass(events.began),
      waits: pass(events.waits),
      output: (id, payload, side) => (connection.isClosed ? undefined : events.output(id, payload, side)),
      done: pass(events.done),
      failed: pass(events.failed),
      released: pass(events.released),
      heartbeat: pass(events.heartbeat),
      ackRequested: pass(events.ackRequested),
      log: pass(events.log),
      crashed: pass(events.crashed),
    };
  }
}
