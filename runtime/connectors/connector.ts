import type { FunctionSpec } from '../../lib/plan/function-spec';
import type { ConnectorType, FunctionTypeWith, functionTypes } from '../../lib/topology/function-types/function-type';
import type { ListedObjects, SourcePosition } from '../engine/ports/flow-state';
import type { Generated, LogLevel } from '../engine/ports/host';
import type { Sink } from '../engine/ports/sink';
import type { Source } from '../engine/ports/source';

export interface ListedObject {
  readonly key: string;
  readonly size: number;
  /** Many stores round it to seconds. */
  readonly lastModifiedMs: number;
  /** Without quotes. */
  readonly etag: string;
}

/** The methods of an object store that connectors use. Both reject with a KFlowError that names the bucket and the key. */
export interface ObjectStore {
  /** The objects of a bucket whose keys start with `prefix`, in byte order. After the signal, the listing may fail. */
  list(bucket: string, prefix?: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<ListedObject>;
  /** Writes an object, or overwrites it; resolves when it is durable. */
  put(bucket: string, key: string, body: Uint8Array, contentType?: string): Promise<void>;
}

export interface ObjectStoreEndpoint {
  /** Holds the credentials. */
  readonly store: ObjectStore;
  /** `s3a://bucket` or `s3a://bucket/prefix`. */
  readonly topics: string;
}

/** A server that is not an object store. Its own protocol decides what an absent field means. */
export interface ServerEndpoint {
  /** `host:port` or a URL. */
  readonly addr?: string;
  readonly topics?: string;
  readonly user?: string;
  readonly password?: string;
}

/** The endpoint of a connector, with its credentials, by `connectsTo` of its function type. */
interface Endpoints {
  readonly 'object-store': ObjectStoreEndpoint;
  readonly server: ServerEndpoint;
  readonly nothing: undefined;
}
export type Endpoint = Endpoints[keyof Endpoints];
export type EndpointOf<Type extends ConnectorType> = Endpoints[(typeof functionTypes)[Type]['connectsTo']];

interface ConnectorContext<E extends Endpoint> {
  /**
   * A connector's own `meta` setting is a field of the spec, like `rate`: declare it in `meta-setting.ts` and pass it on in
   * `plan-spec.ts`, because `spec.meta` is the `meta` as written, without defaults, for the user's code.
   */
  readonly spec: FunctionSpec;
  readonly endpoint: E;
  readonly log: (level: LogLevel, text: string) => void;
}

export interface SourceContext<E extends Endpoint = Endpoint> extends ConnectorContext<E> {
  /** This replica, from 0 to `spec.replicas - 1`. */
  readonly replica: number;
  /** The flow's current run, from 1. */
  readonly run: number;
  /** The objects this source has listed in this run or, with `ever`, in any run. */
  listed(ever: boolean): Promise<ListedObjects>;
  /** The position from which this replica's generator resumes. */
  position(): Promise<SourcePosition>;
  /** Calls the user's code for the next records; only for types with code. */
  generate(): Promise<Generated>;
}

export interface SinkContext<E extends Endpoint = Endpoint> extends ConnectorContext<E> {
  /** When the stream of each input was created: with it, a sequence is unique across deployments of the flow. */
  readonly inputsCreated: readonly Date[];
}

/** A source type: its folder exports one as `connector`. */
export interface SourceConnector<E extends Endpoint = Endpoint> {
  open(context: SourceContext<E>): Promise<Source>;
}

/** A sink type: its folder exports one as `connector`. */
export interface SinkConnector<E extends Endpoint = Endpoint> {
  open(context: SinkContext<E>): Promise<Sink>;
}

export type SourceType = ConnectorType & FunctionTypeWith<{ readonly kind: 'source' }>;
export type SinkType = ConnectorType & FunctionTypeWith<{ readonly kind: 'sink' }>;
