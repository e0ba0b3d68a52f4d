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
  readonly workloads: readonly PlannedWorkload[];
  readonly secrets: readonly PlannedSecret[];
  /** Object store buckets that the flow reads or writes. */
  readonly buckets: readonly PlannedBucket[];
}

/** `limits` retention, file storage, discard new: what is full refuses, and the producer waits. */
export interface PlannedStream {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly maxMsgs: number;
  readonly maxBytes: number;
  readonly replicas: number;
  readonly dedupeWindowMs: number;
  /** The function that writes the stream; absent on the dead letters, which all functions write. */
  readonly function?: string;
}

/** A durable pull consumer with explicit acks and no server-side delivery limit: giving up is the reader's decision. */
export interface PlannedConsumer {
  readonly stream: string;
  readonly durable: string;
  readonly subject: string;
  readonly ackWaitMs: number;
  readonly maxAckPending: number;
  /** The function that reads. */
  readonly function: string;
}

export interface PlannedWorkload {
  readonly name: string;
  readonly function: string;
  /** A Job ends when its input does; a Deployment does not. */
  readonly kind: 'deployment' | 'job';
  readonly replicas: number;
  readonly spec: FunctionSpec;
  /** Environment that the document gives the function's container. */
  readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
  readonly secret?: string;
}

/** Credentials as environment. The values never leave the controller or the local runner; synth renders the name. */
export interface PlannedSecret {
  readonly name: string;
  readonly entries: { readonly [env: string]: string };
}

export interface PlannedBucket {
  readonly addr: string;
  readonly bucket: string;
  readonly user: string;
  readonly password: string;
  /** What the bucket is to the flow; only a message store's is purged with it. */
  readonly role: 'source' | 'sink' | 'message-store';
  /** Keys below this are the flow's. */
  readonly prefix: string;
}
