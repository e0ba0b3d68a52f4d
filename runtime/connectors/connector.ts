import type { FunctionSpec } from '../../lib/plan/function-spec';
import type { ConnectorType, FunctionTypeWith, functionTypes } from '../../lib/topology/function-types/function-type';
import type { BulkLog } from '../engine/ports/bulk-log';
import type { ListingNotes, SourcePosition } from '../engine/ports/flow-state';
import type { Generated, LogLevel } from '../engine/ports/host';
import type { Sink, SinkRecord, WriteOutcome } from '../engine/ports/sink';
import type { Source } from '../engine/ports/source';
import type { TraceContext } from '../engine/trace/trace-context';

export interface ListedObject {
  readonly key: string;
  readonly size: number;
  /** Many stores round it to seconds. */
  readonly lastModifiedMs: number;
  /** Without quotes. */
  readonly etag: string;
}

export interface ListOptions {
  /** Lists the keys that come after this one. */
  readonly startAfter?: string | undefined;
  /** After the signal, the listing may fail. */
  readonly signal?: AbortSignal;
}

/** The methods of an object store that connectors use. Both reject with a KFlowError that names the bucket and the key. */
export interface ObjectStore {
  /** The objects of a bucket whose keys start with `prefix`, in byte order, which a few stores do not keep. */
  list(bucket: string, prefix?: string, options?: ListOptions): AsyncIterable<ListedObject>;
  /** Writes an object, or overwrites it; resolves when it is durable. */
  put(bucket: string, key: string, body: Uint8Array, contentType?: string): Promise<void>;
}

export interface ObjectStoreEndpoint {
  /** Holds the credentials. */
  readonly store: ObjectStore;
  /** `s3a://bucket` or `s3a://bucket/prefix`. */
  readonly topics: string;
}

/** What a search server has made of one action of a bulk request. */
export interface BulkItem {
  /** An HTTP status. */
  readonly status: number;
  /** Type of the error, as in `mapper_parsing_exception`. */
  readonly type?: string;
  readonly reason?: string;
}

/** The answer to a bulk request: to each action, in order, or to the request as a whole. */
export type BulkAnswer =
  | { readonly is: 'items'; readonly items: readonly BulkItem[] }
  | { readonly is: 'refused'; readonly status: number; readonly reason: string }
  | { readonly is: 'lost'; readonly reason: string };

/** A server that speaks the bulk API of Elasticsearch. */
export interface SearchServer {
  /** For messages; has no credentials. */
  readonly address: string;
  /** Sends lines of the bulk API. Does not reject. */
  bulk(lines: string): Promise<BulkAnswer>;
  close(): Promise<void>;
}

export interface SearchEndpoint {
  /** Holds the credentials. */
  readonly server: SearchServer;
  /** Name of an index, an alias or a data stream. */
  readonly topics: string;
}

/** A message for a subject. */
export interface SubjectMessage {
  readonly id: string;
  readonly payload: Uint8Array;
  readonly trace?: TraceContext | undefined;
}

/** The methods of a NATS server that connectors use. */
export interface SubjectServer {
  /**
   * Publishes messages, with their ids, and resolves with the outcome of each, in order: stored, where a stream has the
   * subject, else received by the server. Does not reject.
   */
  publish(subject: string, messages: readonly SubjectMessage[]): Promise<readonly WriteOutcome[]>;
  close(): Promise<void>;
}

export interface SubjectEndpoint {
  /** Holds the credentials. */
  readonly server: SubjectServer;
  /** A subject without wildcards. */
  readonly topics: string;
}

/** The endpoint of a connector, with its credentials, by `connectsTo` of its function type. */
interface Endpoints {
  readonly 'object-store': ObjectStoreEndpoint;
  readonly 'search-server': SearchEndpoint;
  readonly 'nats-server': SubjectEndpoint;
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
  /** What the replicas of this source have noted of their listings in this run or, with `ever`, in any run. */
  listing(ever: boolean): Promise<ListingNotes>;
  /** Ids of the last records of this source that are stored, or dead letters: all that a replica may have stored and not noted. */
  recentIds(): Promise<readonly string[]>;
  /** The position from which this replica's generator resumes. */
  position(): Promise<SourcePosition>;
  /** Calls the user's code for the next records; only for types with code. */
  generate(): Promise<Generated>;
}

export interface SinkContext<E extends Endpoint = Endpoint> extends ConnectorContext<E> {
  /** When the stream of each input was created: with it, a sequence is unique across deployments of the flow. */
  readonly inputsCreated: readonly Date[];
  /** Opens the log of this sink's bulks, which its replicas share. */
  bulkLog(): Promise<BulkLog>;
  /** Reads a record of an input again. Undefined if the stream does not have it any more, or if it cannot be read. */
  readAgain(origin: SinkRecord['origin']): Promise<SinkRecord | undefined>;
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
