import type { FlowPlan } from '../../../lib/plan/flow-plan';

/**
 * The streams, consumers and state of flows. Every call may be repeated without harm. Throws StoreError `stream-failed`
 * when the server does not answer or refuses.
 */
export interface Streams {
  /** Makes what the plan names, or brings it up to date; what it holds stays. */
  provision(plan: FlowPlan): Promise<void>;
  /** The run to work on: the current one while it has not completed, else a new one, in which nothing has ended. */
  beginRun(plan: FlowPlan): Promise<number>;
  markCompleted(plan: FlowPlan): Promise<void>;
  /** Functions whose every replica has ended in the current run. */
  endedFunctions(plan: FlowPlan): Promise<readonly string[]>;
  /** Forgets that functions have ended in the current run, and that their outputs are sealed. */
  reopen(plan: FlowPlan, functions: readonly string[]): Promise<void>;
  /** Has a function's consumers begin elsewhere, while no replica of it runs. Throws ConfigError for a function without input. */
  rewind(plan: FlowPlan, rewind: Rewind): Promise<void>;
  /** How far every function is, read at one time. */
  progress(plan: FlowPlan): Promise<readonly FunctionProgress[]>;
  /** Removes every stream, consumer and state of the flow, history included. */
  remove(plan: FlowPlan): Promise<void>;
}

export interface Rewind {
  readonly function: string;
  readonly start: RewindStart;
}

/** Sequences and times are those of the input streams; a sequence holds for every input. */
export type RewindStart =
  | { readonly from: 'first' }
  | { readonly from: 'sequence'; readonly sequence: number }
  /** ISO time. */
  | { readonly from: 'time'; readonly time: string };

export interface FunctionProgress {
  readonly function: string;
  readonly inputs: readonly InputProgress[];
  /** Its output streams, side outputs included. */
  readonly outputs: readonly OutputProgress[];
  /** Records it gave up on that are in the dead letters. */
  readonly dead: number;
}

export interface InputProgress {
  readonly stream: string;
  /** The function whose output it is. */
  readonly from: string;
  /** Records that no replica has been given yet. */
  readonly pending: number;
  /** Records that replicas hold. */
  readonly ackPending: number;
  /** Records delivered and acked since the stream was made, those before a rewind not counted. */
  readonly acked: number;
}

export interface OutputProgress {
  readonly stream: string;
  /** Sequence of the last record. */
  readonly lastSequence: number;
  readonly messages: number;
  readonly bytes: number;
  /** The larger of messages and bytes, as part of its limit, from 0 to 1. */
  readonly usage: number;
}
