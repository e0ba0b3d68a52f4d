import type { AvroSchema } from '../avro/avro-type';

export type FunctionKind = 'source' | 'process' | 'sink' | 'worker';

/**
 * Everything that is particular to one function type. The checks, the completed document, the plan, the typed builders,
 * the JSON Schema and the runtime read it; no other file compares a type with a literal.
 */
export type FunctionTypeDescriptor = FunctionTraits & Connection;

interface FunctionTraits {
  /** A source has no input, a sink has no output, a process has both; a worker has neither, but tasks. */
  readonly kind: FunctionKind;
  /**
   * Whether the user brings the code (`meta.code`, `meta.module` or an image). Without `optional` code, records pass
   * through unchanged; with `none`, the connector is the code.
   */
  readonly code: 'required' | 'optional' | 'none';
  /** Whether the document must contain `schema`. */
  readonly schema: 'required' | 'optional';
  /** Schema of the records if the document has no `schema`. Absent: the type has none. */
  readonly implicitSchema?: AvroSchema;
  /** Whether the document must contain `format`. */
  readonly format?: 'required';
  /** Values of `format`. Absent: the type ignores `format`. */
  readonly formats?: readonly string[];
  /** Those of the values that need bulk mode. */
  readonly bulkFormats?: readonly string[];
  /** What `topics` must be. Absent: `topics` is optional text. */
  readonly topics?: TopicsRule;
  readonly hasSideOutputs: boolean;
  /**
   * In batch mode, a function that ends runs as a Job. A function that does not end runs as a Deployment, which waits to
   * be stopped when there are no more records.
   */
  readonly batch: { readonly ends: true } | { readonly ends: false; readonly warning: string };
}

/**
 * What the function connects to, besides NATS.
 * - `object-store`: `addr`, `user`, `password` and `secret` default to `globalConfig.store`. The plan adds the bucket in
 *   `topics` to the flow's buckets, and the embedded S3 server replaces the store in `kflow run` and `kflow up`.
 * - `search-server`, `nats-server`: `addr`, `user`, `password`, `secret` and `ca` are the function's own. In `kflow run` and
 *   `kflow up`, an embedded server replaces the server, unless that is one of this machine that answers.
 * - `nothing`: the function has no connection of its own, so the plan does not pass `topics` to its replicas.
 *
 * The pod's NetworkPolicy allows the connection.
 */
type Connection =
  | { readonly connectsTo: 'object-store'; readonly kind: 'source' | 'sink'; readonly topics: TopicsRule }
  | {
      readonly connectsTo: 'search-server' | 'nats-server';
      readonly topics: TopicsRule;
      /** Whether manifests need `addr`. If not, the connector has a default address. */
      readonly addr: 'required' | 'optional';
    }
  | {
      readonly connectsTo: 'nothing';
      readonly topics?: never;
      /** Whether user code connects to `addr`, so that the pod's NetworkPolicy must allow it. */
      readonly codeConnectsToAddr: boolean;
    };

/** What `topics` must be. */
export interface TopicsRule {
  /** What `topics` names, as in `the bucket to read`. */
  readonly purpose: string;
  readonly example: string;
  /** What is wrong with a value, as in `must be s3a://bucket, got "x"`; undefined when it is valid. */
  readonly fault: (topics: string) => string | undefined;
  /** What may be meant otherwise in a valid value, for a warning. */
  readonly doubt?: (topics: string) => string | undefined;
}
