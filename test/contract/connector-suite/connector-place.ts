import type { FunctionSpec } from '../../../lib/plan/function-spec';
import type { ObjectStore, SearchServer, SubjectServer } from '../../../runtime/connectors/connector';
import type { BulkLog } from '../../../runtime/engine/ports/bulk-log';
import type { ListingNotes, Part, SourcePosition } from '../../../runtime/engine/ports/flow-state';

/** Where the connector suite runs: in memory, or against real servers. It provides what the connectors' fixtures need. */
export interface ConnectorPlace {
  /** A new, empty bucket. */
  bucket(): Promise<TestBucket>;
  /** A new index. */
  index(): Promise<TestServer<SearchServer>>;
  /** A new subject, which a stream has. */
  subject(): Promise<TestServer<SubjectServer>>;
  /** The state of a source that has not run yet. */
  sourceState(source: string): Promise<SourceState>;
  /** New bulk logs of a sink, which are opened for the streams of its inputs. */
  bulkLogs(spec: FunctionSpec): Promise<(inputsCreated: readonly Date[]) => Promise<BulkLog>>;
  close(): Promise<void>;
}

/** A bucket, and an object store that reaches it like the one a connector gets. */
export interface TestBucket {
  readonly name: string;
  readonly store: ObjectStore;
  read(key: string): Promise<Uint8Array>;
  /** Every call of `store` fails until `repair`. */
  break(): void;
  repair(): void;
}

/** A server, as a connector reaches it, and one name in it: an index or a subject. */
export interface TestServer<Server> {
  readonly name: string;
  readonly server: Server;
  /** What is stored under the name, as JSON, in any order. */
  contents(): Promise<readonly string[]>;
  /** Every write fails until `repair`. */
  break(): void;
  repair(): void;
}

/** What outlives the replicas of a source. */
export interface SourceState {
  /** The current run, from 1. */
  run(): Promise<number>;
  /** Completes the current run and begins the next one. */
  nextRun(): Promise<void>;
  listing(ever: boolean, part: Part): Promise<ListingNotes>;
  position(replica: number): Promise<SourcePosition>;
  /** Resolves when everything saved so far is kept. */
  settled(): Promise<void>;
}
