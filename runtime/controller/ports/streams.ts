import type { FlowPlan, PlannedBucket } from '../../../lib/plan/flow-plan';
import type { Claim } from '../../engine/claim';
import type { Drift } from '../../engine/drift/drift';
import type { StepObjects } from '../../steps/step-objects';

/**
 * The streams, consumers and run states of flows. Every method is idempotent, and throws StoreError `stream-failed` when the
 * server refuses or does not respond.
 */
export interface Streams {
  /** Creates or updates the streams and consumers of the plan; existing records are kept. */
  provision(plan: FlowPlan): Promise<void>;
  /**
   * Returns the number of the current run, or starts a new one if the current run has completed. With `continues`, a run that
   * has completed goes on: the functions to run again are reopened next.
   */
  beginRun(plan: FlowPlan, options?: { readonly continues?: boolean }): Promise<number>;
  markCompleted(plan: FlowPlan): Promise<void>;
  /** Functions whose replicas have all ended in the current run. */
  endedFunctions(plan: FlowPlan): Promise<readonly string[]>;
  /** Marks functions as not ended in the current run, and unseals their output streams. */
  reopen(plan: FlowPlan, functions: readonly string[]): Promise<void>;
  /** Functions whose dead letters are to be processed again. */
  redriving(plan: FlowPlan): Promise<readonly string[]>;
  /** Moves the consumers of a function without replicas. Throws ConfigError for a function without input. */
  rewind(plan: FlowPlan, rewind: Rewind): Promise<void>;
  /** Makes sinks in bulk mode write the bulks that wait; for a drain, after which no more records come. */
  flushBulks(plan: FlowPlan): Promise<void>;
  /** The progress of every function, read at about the same time. */
  progress(plan: FlowPlan): Promise<readonly FunctionProgress[]>;
  /** Deletes every stream, consumer and run state of the flow. */
  remove(plan: FlowPlan): Promise<void>;
}

/** Object store buckets of flows. Throws StoreError `store-failed` when a store refuses or does not respond. */
export interface Buckets {
  /** Creates missing buckets that the flow writes to, and those of sources if the embedded store is used. */
  ensure(plan: FlowPlan): Promise<void>;
  /** Deletes the flow's payloads from its message stores, and nothing else. */
  purge(plan: FlowPlan): Promise<void>;
  /** The payload of a claim; undefined if only the functions can reach the message store, or the flow has none that holds it. */
  fetch(plan: FlowPlan, claim: Claim): Promise<Uint8Array | undefined>;
}

export interface Rewind {
  readonly function: string;
  readonly start: RewindStart;
}

/**
 * A position in the input streams; a sequence applies to each of them. `letters` moves nothing: a function that has ended
 * processes its dead letters again.
 */
export type RewindStart =
  | { readonly from: 'letters' }
  | { readonly from: 'first' }
  | { readonly from: 'sequence'; readonly sequence: number }
  /** ISO time. */
  | { readonly from: 'time'; readonly time: string };

/** The object stores of flows that run step by step. */
export interface StepStores {
  /** `of` throws ConfigError `setting-missing` when only the pods know the credentials of a store. */
  open(plan: FlowPlan): { readonly of: (bucket: PlannedBucket) => StepObjects; close(): Promise<void> };
}

export interface FunctionProgress {
  readonly function: string;
  readonly inputs: readonly InputProgress[];
  /** Output streams, including side outputs. */
  readonly outputs: readonly OutputProgress[];
  /** Records of the function that became dead letters in the current run, as their stream has them now. */
  readonly dead: number;
  /** When the oldest of them failed, as an ISO time. */
  readonly oldestDead?: string;
  /** Those that are being processed again; absent without any. */
  readonly redriving?: number;
  /** What was changed from outside since the run began, the oldest first; absent when nothing was. */
  readonly drifts?: readonly Drift[];
  /** Streams, consumers and buckets of the function that do not exist, such as `consumer map of kflow_default_words_in`. */
  readonly missing?: readonly string[];
}

export interface InputProgress {
  readonly stream: string;
  /** The function that writes the stream. */
  readonly from: string;
  /** Records that are not delivered to a replica yet. */
  readonly pending: number;
  /** Records that are delivered but not acked. */
  readonly ackPending: number;
  /** Records delivered and acked since the stream was created, or since the last rewind. */
  readonly acked: number;
}

export interface OutputProgress {
  readonly stream: string;
  /** Sequence of the last record. */
  readonly lastSequence: number;
  readonly messages: number;
  readonly bytes: number;
  /** Messages or bytes relative to their limit, whichever is larger, from 0 to 1. */
  readonly usage: number;
}
