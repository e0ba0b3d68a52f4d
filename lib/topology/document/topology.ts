/**
 * The completed document: defaults are filled in, functions inherit `globalConfig`, and inline schemas are parsed. The
 * names are the document's; `lib/plan` translates them into those of JetStream and Kubernetes.
 */

import type { WrittenSchema } from '../avro/avro-type';
import type { FunctionType } from '../function-types/function-type';
import type { ContainerSettings } from './container-settings';
import type { Language } from './language';
import type { TaskDeclaration } from './task-declaration';

export const Mode = { Batch: 'batch', Stream: 'stream' } as const;
export type Mode = (typeof Mode)[keyof typeof Mode];

/** The keys of a Secret that are used only when the document names them. */
export const s3SecretKeys = ['sessionToken', 'ca.crt'] as const;

/** How an S3 server is reached, beside its address, user, password and Secret. */
export type S3Access = {
  readonly sessionToken?: string;
  /** Keys that are read from the Secret beside `user` and `password`. */
  readonly secretKeys?: readonly (typeof s3SecretKeys)[number][];
  /** The credentials are those of the pod or process, instead of user and password. */
  readonly auth?: 'environment';
  readonly region?: string;
  /** PEM text, or the absolute path of a file. */
  readonly ca?: string;
  readonly pathStyle?: boolean;
};

export interface Topology {
  readonly namespace: string;
  readonly jobId: string;
  readonly mode: Mode;
  /** Default number of replicas of a function. */
  readonly parallelism: number;
  /** Number of the run of a batch that no controller runs; a controller numbers the runs itself. */
  readonly run?: number;
  readonly globalConfig: GlobalConfig;
  /** `globalConfig.container`, which the functions' `meta.container` includes. */
  readonly container: ContainerSettings;
  /** In the order of the document. */
  readonly dag: readonly FlowFunction[];
}

/**
 * Partitions of each stream whose records have keys. The number never changes: a key would get another partition, and its
 * records would overtake those in the one before.
 */
export const partitionCount = 16;

export interface FlowFunction extends S3Access {
  readonly id: string;
  readonly type: FunctionType;
  readonly parallelism: number;
  /** Ids of the functions that read this function's main output. */
  readonly out: readonly string[];
  readonly sideOuts: readonly SideOutput[];
  /** Writer's schema on a source or process, reader's schema on a sink. On a process, defaults to its input's schema. */
  readonly schema?: WrittenSchema;
  readonly format?: 'list' | 'json' | 'avro' | 'parquet';
  readonly addr?: string;
  readonly topics?: string;
  readonly user?: string;
  readonly password?: string;
  /** Name of an existing Kubernetes Secret with the keys `user` and `password`. */
  readonly secret?: string;
  readonly image?: string;
  readonly imagePullPolicy?: string;
  readonly groupId?: string;
  /** Field of the emitted records whose value is their key: records of one key are processed in order. */
  readonly partitionBy?: string;
  /** task-worker: its tasks, by their names. */
  readonly tasks?: { readonly [name: string]: TaskDeclaration };
  /** The topology's `globalConfig`, overridden by the function's own. */
  readonly globalConfig: GlobalConfig;
  readonly meta: FunctionMeta;
}

export interface SideOutput {
  readonly id: string;
  readonly schema: WrittenSchema;
  readonly out: readonly string[];
}

export interface GlobalConfig {
  readonly store: S3Access & {
    readonly addr?: string;
    readonly user?: string;
    readonly password?: string;
    readonly secret?: string;
    readonly autoDownload: boolean;
  };
  readonly messageStore: S3Access & {
    /** Functions do not inherit it. */
    readonly enabled: boolean;
    readonly topics?: string;
    readonly addr?: string;
    readonly user?: string;
    readonly password?: string;
    readonly secret?: string;
    /** In bytes; absent: the limit of the NATS server. */
    readonly maxPayloadSize?: number;
  };
  readonly sideStream: { readonly enabled: boolean; readonly addr?: string; readonly errorTopics?: string };
  readonly metrics: { readonly enabled: boolean; readonly port: number };
  readonly devStore: S3Access & {
    /** The flow runs step by step; so does every function, whatever its own settings. */
    readonly enabled: boolean;
    readonly topics?: string;
    readonly addr?: string;
    readonly user?: string;
    readonly password?: string;
    readonly secret?: string;
  };
  /** Limits of the function's output stream. Unacked messages are never discarded. */
  readonly stream: {
    readonly maxMsgs: number;
    readonly maxBytes: number;
    readonly replicas: number;
    /** Whether records are kept or deleted with the stream's manifest. */
    readonly onDelete: 'keep' | 'delete';
  };
}

/** The settings KFlow reads from `meta`. `own` is the whole `meta` as written, which the function receives. */
export interface FunctionMeta {
  /** Entry function of inline code or of a module. */
  readonly name?: string;
  readonly code?: string;
  /** Path of a module with the function, relative to the document. */
  readonly module?: string;
  readonly language: Language;
  /** fs-source: remember the listed objects across runs. */
  readonly checkpoint: boolean;
  /** raw-source: maximum number of records per second and replica. */
  readonly rate?: number;
  /** Number of records that a replica processes concurrently if its function is asynchronous. */
  readonly concurrency: number;
  /** `max.poll.interval.ms`: a record that takes longer without a heartbeat is redelivered. */
  readonly maxPollIntervalMs: number;
  /** Number of attempts before a record is dead-lettered. */
  readonly maxDeliver: number;
  /** Records are acked when their function has returned, or when it requests their acks. */
  readonly ack: 'auto' | 'manual';
  /** Whether values with a logical type arrive as those of the language. */
  readonly logicalTypes: boolean;
  /** `download.directory`: directory of automatic downloads, below /tmp/. */
  readonly downloadDirectory?: string;
  readonly bulk?: { readonly flushTimerMs: number; readonly flushSize: number; readonly flushBytes: number };
  readonly container: ContainerSettings;
  readonly pause: boolean;
  readonly update: boolean;
  readonly updatePolicy: 'KeepOffset' | 'DropOffset';
  readonly restart: boolean;
  readonly own: { readonly [key: string]: unknown };
}
