import type { SearchServer, SubjectServer } from '../../../runtime/connectors/connector';
import type { Part, SourcePosition } from '../../../runtime/engine/ports/flow-state';
import { MemoryBulkLog, SharedBulks } from '../../support/memory-bulk-log';
import { MemoryListingNotes } from '../../support/memory-listing-notes';
import { MemoryObjectStore } from '../../support/memory-object-store';
import { MemorySearchServer } from '../../support/memory-search-server';
import { MemorySubjectServer } from '../../support/memory-subject-server';
import type { ConnectorPlace, SourceState, TestBucket, TestServer } from './connector-place';

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

  async index(): Promise<TestServer<SearchServer>> {
    const server = new MemorySearchServer();
    return {
      name: 'items',
      server,
      contents: async () => [...server.documents('items').values()],
      ...breaking(server),
    };
  }

  async subject(): Promise<TestServer<SubjectServer>> {
    const server = new MemorySubjectServer();
    return {
      name: 'items.all',
      server,
      contents: async () => server.payloads('items.all').map((payload) => Buffer.from(payload).toString()),
      ...breaking(server),
    };
  }

  async sourceState(): Promise<SourceState> {
    return new MemorySourceState();
  }

  async bulkLogs(): Promise<(inputsCreated: readonly Date[]) => Promise<MemoryBulkLog>> {
    const shared = new SharedBulks();
    return async (inputsCreated) =>
      new MemoryBulkLog(
        shared,
        inputsCreated.map((time, index) => `${index} ${time.toISOString()}`),
      );
  }

  async close(): Promise<void> {}
}

function breaking(server: { isAway: boolean }): Pick<TestServer<unknown>, 'break' | 'repair'> {
  return {
    break: () => {
      server.isAway = true;
    },
    repair: () => {
      server.isAway = false;
    },
  };
}

class MemorySourceState implements SourceState {
  private current = 1;
  private readonly notes = new Map<string, Uint8Array>();
  private readonly positions = new Map<string, number>();

  async run(): Promise<number> {
    return this.current;
  }

  async nextRun(): Promise<void> {
    this.current++;
  }

  async listing(ever: boolean, part: Part): Promise<MemoryListingNotes> {
    return new MemoryListingNotes(this.notes, part, ever ? 'ever' : String(this.current));
  }

  async position(replica: number): Promise<SourcePosition> {
    const key = `${this.current} ${replica}`;
    return { start: this.positions.get(key) ?? 0, save: (stored) => this.positions.set(key, stored) };
  }

  async settled(): Promise<void> {}
}
