/**
 * The document, read and completed: defaults filled in, `globalConfig` inherited by each function, inline schemas
 * parsed. Names are the document's own; `lib/plan` translates them into JetStream's and Kubernetes' words.
 */

import type { AvroSchema } from '../avro/avro-type';
import type { FunctionType } from '../function-types/function-type';
import type { ContainerSettings } from './container-settings';
import type { Language } from './language';

export const Mode = { Batch: 'batch', Stream: 'stream' } as const;
export type Mode = (typeof Mode)[keyof typeof Mode];

export interface Topology {
  readonly namespace: string;
  readonly jobId: string;
  readonly mode: Mode;
  /** Replicas of a function that does not say otherwise. */
  readonly parallelism: number;
  readonly globalConfig: GlobalConfig;
  /** In the order of the document. */
  readonly dag: readonly FlowFunction[];
}

export interface FlowFunction {
  readonly id: string;
  readonly type: FunctionType;
  readonly parallelism: number;
  /** Ids of the functions that read this function's main output. */
  readonly out: readonly string[];
  readonly sideOuts: readonly SideOutput[];
  /** Writer's schema on a source or process, reader's schema on a sink. Absent on a process: its input's schema. */
  readonly schema?: AvroSchema;
  readonly format?: 'list';
  readonly addr?: string;
  readonly topics?: string;
  readonly user?: string;
  readonly password?: string;
  /** Name of a Kubernetes Secret that is there already, with the keys `user` and `password`. */
  readonly secret?: string;
  readonly image?: string;
  readonly imagePullPolicy?: string;
  readonly groupId?: string;
  readonly partitionBy?: string;
  /** The topology's `globalConfig` with this function's own laid over it. */
  readonly globalConfig: GlobalConfig;
  readonly meta: FunctionMeta;
}

export interface SideOutput {
  readonly id: string;
  readonly schema: AvroSchema;
  readonly out: readonly string[];
}

export interface GlobalConfig {
  readonly store: {
    readonly addr?: string;
    readonly user?: string;
    readonly password?: string;
    readonly secret?: string;
    readonly autoDownload: boolean;
  };
  readonly messageStore: {
    /** On a function: only what the function itself asks for, never inherited. */
    readonly enabled: boolean;
    readonly topics?: string;
    readonly addr?: string;
    readonly user?: string;
    readonly password?: string;
    readonly secret?: string;
    /** Bytes; absent: what the nats server allows. */
    readonly maxPayloadSize?: number;
  };
  readonly sideStream: { readonly enabled: boolean; readonly addr?: string; readonly errorTopics?: string };
  readonly metrics: { readonly enabled: boolean; readonly port: number };
  readonly devStore: {
    readonly enabled: boolean;
    readonly image?: string;
    readonly imagePullPolicy?: string;
    readonly topics?: string;
    readonly addr?: string;
    readonly user?: string;
    readonly password?: string;
    readonly secret?: string;
  };
  /** Limits of the function's output stream; what is not yet acked is never discarded, whatever they are. */
  readonly stream: {
    readonly maxMsgs: number;
    readonly maxBytes: number;
    readonly replicas: number;
    /** What becomes of the records when the stream's manifest is removed. */
    readonly onDelete: 'keep' | 'delete';
  };
}

/** The settings KFlow reads from `meta`. `own` is the whole `meta` as written: it reaches the function's `OpenContext`. */
export interface FunctionMeta {
  /** Entry function of inline code or of a module. */
  readonly name?: string;
  readonly code?: string;
  /** Path of a module with the function, relative to the document. */
  readonly module?: string;
  readonly language: Language;
  /** fs-source: remember what has been listed, over runs. */
  readonly checkpoint: boolean;
  /** raw-source: records a second at most, for each replica. */
  readonly rate?: number;
  /** Records one replica works on at a time, when its function is asynchronous. */
  readonly concurrency: number;
  /** `max.poll.interval.ms`: a record that takes longer without a heartbeat is delivered again. */
  readonly maxPollIntervalMs: number;
  /** How often a record is tried before it goes to the dead letters. */
  readonly maxDeliver: number;
  /** `download.directory`: where automatic downloads go, below /tmp/. */
  readonly downloadDirectory?: string;
  readonly bulk?: { readonly flushTimerMs: number; readonly flushSize: number };
  readonly container: ContainerSettings;
  readonly pause: boolean;
  readonly update: boolean;
  readonly updatePolicy: 'KeepOffset' | 'DropOffset';
  readonly restart: boolean;
  readonly own: { readonly [key: string]: unknown };
}
