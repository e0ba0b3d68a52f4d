import type { ContainerSettings } from '../topology/document/container-settings';
import type { FunctionSpec } from './function-spec';

/** Everything a flow needs, by name: what synth renders, the controller applies and `kflow run` starts. */
export interface FlowPlan {
  readonly namespace: string;
  readonly jobId: string;
  readonly mode: 'batch' | 'stream';
  readonly streams: readonly PlannedStream[];
  readonly consumers: readonly PlannedConsumer[];
  readonly stateBucket: string;
  readonly schemaBucket: string;
  /** What the topology says for all streams; the two buckets go by it. */
  readonly storage: { readonly replicas: number; readonly onDelete: 'keep' | 'delete' };
  readonly workloads: readonly PlannedWorkload[];
  readonly devStore?: PlannedDevStore;
  readonly secrets: readonly PlannedSecret[];
  /** Object store buckets that the flow reads or writes. */
  readonly buckets: readonly PlannedBucket[];
}

/** `limits` retention, file storage, discard new: what is full refuses, and the producer waits. */
export interface PlannedStream {
  readonly name: string;
  /** A function's main output, a side output of it, or the records that all functions gave up on. */
  readonly role: 'output' | 'side' | 'dead-letters';
  readonly subjects: readonly string[];
  readonly maxMsgs: number;
  readonly maxBytes: number;
  readonly replicas: number;
  readonly dedupeWindowMs: number;
  /** Whether the records stay when the flow's manifests are removed. */
  readonly onDelete: 'keep' | 'delete';
  /** The function that writes the stream; absent on the dead letters. */
  readonly function?: string;
}

/** A durable pull consumer with explicit acks and no server-side delivery limit: giving up is the reader's decision. */
export interface PlannedConsumer {
  readonly stream: string;
  readonly durable: string;
  readonly subject: string;
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
   * A Job ends when its input does; a Deployment does not. A source with several replicas that does not end is a
   * StatefulSet: each replica has a number, by which they share the work and name their records.
   */
  readonly kind: 'deployment' | 'statefulset' | 'job';
  readonly replicas: number;
  /** Nothing of it runs, and nothing of it is lost: no pods, or a suspended Job. */
  readonly isPaused: boolean;
  readonly spec: FunctionSpec;
  /** Left out: the runtime's own image. */
  readonly image?: string;
  readonly imagePullPolicy?: string;
  /** Parts of the container and pod that the document sets; its `env` has no secret value. */
  readonly container: ContainerSettings;
  readonly secretEnv: readonly SecretVariable[];
  /** Probes, and the metrics when they are exported. */
  readonly http: { readonly port: number; readonly metrics: boolean };
  /** `host:port` of everything the function talks to beside nats. */
  readonly addresses: readonly string[];
}

/** A variable of a container, taken from a secret. */
export interface SecretVariable {
  readonly name: string;
  readonly secret: string;
  readonly key: string;
}

/** Credentials by key. The values never leave the controller or the local runner; synth renders names. */
export interface PlannedSecret {
  readonly name: string;
  /** A value is undefined where the document leaves it to the cluster. */
  readonly entries: { readonly [key: string]: string | undefined };
  /** The account's server. */
  readonly addr?: string;
  /** The document names the secret: it is there already. */
  readonly isGiven?: true;
}

export interface PlannedBucket {
  readonly addr: string;
  readonly bucket: string;
  /** Name of the secret with the account's `user` and `password`. */
  readonly secret: string;
  /** What the bucket is to the flow; only a message store's is purged with it. */
  readonly role: 'source' | 'sink' | 'message-store';
  /** Keys below this are the flow's. */
  readonly prefix: string;
}

/** What watches the folders of a flow that is run step by step. */
export interface PlannedDevStore {
  readonly name: string;
  readonly image: string;
  readonly imagePullPolicy?: string;
  readonly secretEnv: readonly SecretVariable[];
  /** What its pod reads. An object put into a function's `inDir` runs it, and its outputs come into `outDir`. */
  readonly spec: {
    readonly version: 1;
    readonly namespace: string;
    readonly jobId: string;
    readonly addr: string;
    readonly bucket: string;
    readonly userEnv: string;
    readonly passwordEnv: string;
    readonly functions: readonly { readonly function: string; readonly inDir: string; readonly outDir: string }[];
  };
}
