import type { Host, HostEvents, HostRecord } from '../engine/ports/host';

/** Stands where an image would run whose function is not at hand: passes every record on unchanged. */
export class PassThroughHost implements Host {
  readonly atOnce = 1;

  constructor(private readonly events: HostEvents) {}

  async open(): Promise<void> {}

  process(records: readonly HostRecord[]): void {
    for (const record of records) {
      void this.events.output(record.id, record.payload, '');
      this.events.done(record.id);
    }
  }

  generate(): never {
    throw new Error('an image that does not run generates nothing');
  }

  release(): void {}

  async close(): Promise<void> {}
}
