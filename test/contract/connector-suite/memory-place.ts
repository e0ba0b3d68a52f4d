import type { ListedObjects, SourcePosition } from '../../../runtime/engine/ports/flow-state';
import { MemoryObjectStore } from '../../support/memory-object-store';
import type { ConnectorPlace, SourceState, TestBucket } from './connector-place';

/** Connectors in this process, without a server. */
export class MemoryPlace implements ConnectorPlace {
  async bucket(): Promise<TestBucket> {
    const name = 'bucket';
    const store = new MemoryObjectStore();
    await store.ensureBucket(name);
    return {
      name,
      store,
      read: (key) => store.get(name, key),
      break: () => {
        store.failure = 'access-denied';
      },
      repair: () => {
        store.failure = undefined;
      },
    };
  }

  async sourceState(): Promise<SourceState> {
    return new MemorySourceState();
  }

  async close(): Promise<void> {}
}

class MemorySourceState implements SourceState {
  private current = 1;
  private readonly versions = new Map<string, string>();
  private readonly positions = new Map<string, number>();

  async run(): Promise<number> {
    return this.current;
  }

  async nextRun(): Promise<void> {
    this.current++;
  }

  async listed(ever: boolean): Promise<ListedObjects> {
    const scope = ever ? 'ever' : String(this.current);
    return {
      has: (key, version) => this.versions.get(`${scope} ${key}`) === version,
      add: async (key, version) => {
        this.versions.set(`${scope} ${key}`, version);
      },
    };
  }

  async position(replica: number): Promise<SourcePosition> {
    const key = `${this.current} ${replica}`;
    return { start: this.positions.get(key) ?? 0, save: (stored) => this.positions.set(key, stored) };
  }

  async settled(): Promise<void> {}
}
