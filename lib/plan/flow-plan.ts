import type { ContainerSettings } from '../topology/document/container-settings';
import type { S3Access } from '../topology/document/topology';
import type { FunctionSpec } from './function-spec';
import type { ConsumerRef } from './partitions';

/** Everything a flow needs, by name. `kflow synth` renders the plan, the controller applies it, `kflow run` starts it. */
export interface FlowPlan {
  readonly namespace: string;
  readonly jobId: string;
  readonly mode: 'batch' | 'stream';
  readonly streams: readonly PlannedStream[];
  /** Streams of errors that the flow creates and does not delete, each with the address of its nats; default: the flow's own. */
  readonly errorStreams: readonly (PlannedStream & { readonly addr?: string })[];
  readonly consumers: readonly PlannedConsumer[];
  readonly stateBucket: string;
  /** A flow of task workers alone: it has neither a state bucket nor a stream of dead letters. */
  readonly hasNoRecords?: true;
  /** The topology's own stream settings, which the state bucket uses. */
  readonly storage: { readonly replicas: number; readonly onDelete: 'keep' | 'delete' };
  readonly workloads: readonly PlannedWorkload[];
  /** Set if the flow runs step by step: its workloads are those of its processes, and no record moves by itself. */
  readonly devStore?: PlannedDevStore;
  readonly secrets: readonly PlannedSecret[];
  /** Object store buckets that the flow reads or writes. */
  readonly buckets: readonly PlannedBucket[];
}

/** A stream with `limits` retention, file storage and discard new: a full stream refuses publishes, and the producer waits. */
export interface PlannedStream {
  readonly name: string;
  /** A function's main output, one of its side outputs, the dead letters of all functions, or errors, perhaps of several flows. */
  readonly role: 'output' | 'side' | 'dead-letters' | 'errors';
  readonly subjects: readonly string[];
  readonly maxMsgs: number;
  readonly maxBytes: number;
  readonly replicas: number;
  readonly dedupeWindowMs: number;
  /** Whether the records are kept when the flow's manifests are deleted. */
  readonly onDelete: 'keep' | 'delete';
  /** The function that writes the stream; absent for dead letters. */
  readonly function?: string;
}

/** A durable pull consumer with explicit acks. The server does not limit deliveries: the reader dead-letters records. */
export interface PlannedConsumer extends ConsumerRef {
  readonly ackWaitMs: number;
  readonly maxAckPending: number;
  readonly onDelete: 'keep' | 'delete';
  /** The function that reads. */
  readonly function: string;
}

export interface PlannedWorkload {
  readonly name: string;
  readonly function: string;
  /**
   * A Job ends when its input ends; a Deployment does not end. A source that does not end and has several replicas is a
   * StatefulSet, and so is a reader of records with keys: each replica has a number, which determines its share of the work,
   * and for a source the ids of its records.
   */
  readonly kind: 'deployment' | 'statefulset' | 'job';
  readonly replicas: number;
  /** No replica runs, and no data is lost: the workload is scaled to 0, or is a suspended Job. */
  readonly isPaused: boolean;
  readonly spec: FunctionSpec;
  /** Left out: the runtime's own image. */
  readonly image?: string;
  readonly imagePullPolicy?: string;
  /** Parts of the container and pod that the document sets. `env` contains no secrets. */
  readonly container: ContainerSettings;
  readonly secretEnv: readonly SecretVariable[];
  /** The port of the probes, and of the metrics if they are enabled. */
  readonly http: { readonly port: number; readonly metrics: boolean };
  /** `host:port` of everything the function connects to, except NATS. */
  readonly addresses: readonly string[];
}

/** An environment variable with its value from a Secret. */
export interface SecretVariable {
  readonly name: string;
  readonly secret: string;
  readonly key: string;
}

/** Credentials by key. Only the controller and the local runner use the values; `kflow synth` renders names. */
export interface PlannedSecret {
  readonly name: string;
  /** A value is undefined if the user creates the Secret in the cluster. */
  readonly entries: { readonly [key: string]: string | undefined };
  /** The server that accepts the credentials. */
  readonly addr?: string;
  /** The document names an existing Secret. */
  readonly isGiven?: true;
}

export interface PlannedBucket extends Pick<S3Access, 'region' | 'ca' | 'pathStyle'> {
  readonly addr: string;
  readonly bucket: string;
  /** Name of the secret with the account's `user` and `password`; absent: the credentials of the environment. */
  readonly secret?: string;
  /** What the flow uses the bucket for. Message stores and dev stores are purged with the flow. */
  readonly role: 'source' | 'sink' | 'message-store' | 'dev-store';
  /** Keys with this prefix belong to the flow. */
  readonly prefix: string;
}

/** The folders of a flow that runs step by step, and the ways of its records. */
export interface PlannedDevStore {
  /** The bucket of the folders. */
  readonly bucket: PlannedBucket;
  readonly functions: readonly PlannedSteps[];
  readonly sources: readonly {
    readonly function: string;
    /** Of a source that lists objects: a record of such a source can be made from the key of an object. */
    readonly listed?: { readonly topics: string; readonly bucket: PlannedBucket };
  }[];
}

/** The folders of a process, by their prefixes. An object in `inDir` runs the function; its result is stored in `outDir`. */
export interface PlannedSteps {
  readonly function: string;
  readonly inDir: string;
  readonly outDir: string;
  /** The functions that read its main output or, with `side`, a side output. */
  readonly next: readonly { readonly function: string; readonly side?: string; readonly isProcess: boolean }[];
}
