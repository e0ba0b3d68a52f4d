import type { ListingNotes, Part, SavedNote } from '../../runtime/engine/ports/flow-state';

/** Notes of a source's listing in memory: all replicas share the map. */
export class MemoryListingNotes implements ListingNotes {
  private readonly layout: string;
  private readonly own: string;
  /** While it is set, no note is saved. */
  failure: Error | undefined;

  constructor(
    private readonly values = new Map<string, Uint8Array>(),
    private readonly part: Part = { replica: 0, replicas: 1 },
    prefix = 'listed',
  ) {
    this.layout = `${prefix}.${part.replicas}.`;
    this.own = `${this.layout}${part.replica}.`;
    this.prefix = `${prefix}.`;
  }

  private readonly prefix: string;

  async *read(): AsyncIterable<SavedNote> {
    for (const [key, value] of [...this.values]) {
      if (!key.startsWith(this.prefix)) continue;
      const name = key.slice(key.lastIndexOf('.') + 1);
      if (name !== 'adopted') yield { name, value, isOwn: key.startsWith(this.own) };
      else if (!key.startsWith(this.layout)) this.values.delete(key);
    }
  }

  async load(name: string): Promise<Uint8Array | undefined> {
    return this.values.get(this.own + name);
  }

  async save(name: string, value: Uint8Array): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.values.set(this.own + name, value);
  }

  async remove(name: string): Promise<void> {
    this.values.delete(this.own + name);
  }

  async adopted(): Promise<void> {
    this.values.set(`${this.own}adopted`, Buffer.from('1'));
    const marks = Array.from({ length: this.part.replicas }, (_, replica) => `${this.layout}${replica}.adopted`);
    if (!marks.every((mark) => this.values.has(mark))) return;
    for (const key of [...this.values.keys()]) {
      if (key.startsWith(this.prefix) && !key.startsWith(this.layout)) this.values.delete(key);
    }
    for (const mark of marks) this.values.delete(mark);
  }
}
