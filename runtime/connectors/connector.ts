import type { FunctionSpec, S3Connection } from '../../lib/plan/function-spec';
import type { S3ObjectStore } from '../adapters/s3/object-store';
import type { ListedObjects, SourcePosition } from '../engine/ports/flow-state';
import type { Host, HostEvents, LogLevel, SchemaSource } from '../engine/ports/host';
import type { Source } from '../engine/source-loop';

/** What a connector is given. A connector is a folder here whose index exports a `SourceConnector` or a `SinkConnector`. */
export interface ConnectorContext {
  readonly spec: FunctionSpec;
  /** This replica, from 0 to `spec.replicas - 1`. */
  readonly replica: number;
  /** The flow's current run, from 1. */
  readonly run: number;
  readonly schemas: SchemaSource;
  /** Opens an object store with the credentials that the environment holds for it. */
  objectStore(connection: S3Connection): S3ObjectStore;
  /** What this source has listed, in this run or, with `ever`, in any. */
  listed(ever: boolean): Promise<ListedObjects>;
  /** Where this replica's generator goes on. */
  position(): Promise<SourcePosition>;
  /** When each input's stream was made: with it, a sequence is unique over a flow's lives. */
  readonly inputsCreated: readonly Date[];
  readonly log: (level: LogLevel, text: string) => void;
}

export interface SourceConnector {
  /** `host` runs the user's code of sources that have some. */
  createSource(context: ConnectorContext, host: Host): Promise<Source>;
}

export interface SinkConnector {
  createSink(context: ConnectorContext, events: HostEvents): Promise<Host>;
}

/** The connector of a function type: the folder of that name. Throws when there is none. */
export function loadConnector<T>(type: string): T {
  return require(`./${type}`) as T;
}
