import type { TaskNode } from '../graph/task-graph';
import type { StepId } from './step-id';

/** The error of a step, as its `catch` and the outcome of the execution have it. */
export interface StepError {
  readonly code: string;
  readonly message: string;
  /** Name of the step that failed first, with its index where several steps have the name. */
  readonly step?: string;
  /** That step instance. */
  readonly id?: StepId;
  readonly attempts?: number;
  readonly details?: unknown;
}

/**
 * What is known of a step instance.
 *
 * - `running`: a step that was started, or a region with steps that may still run; `failing` is the error that ends the
 *   region as soon as they have ended.
 * - `succeeded`: with its output. Outputs of nodes that only pass values on are derived and not stored, except those that
 *   a resume took over; the inputs of catch and finally branches are stored.
 * - `passed`: a false guard; the output is the input.
 * - `skipped`: nothing arrived, because what precedes was skipped. Nothing is passed on.
 * - `failed`: `handled` says what took the error; without it, the failure is that of the region around.
 * - `canceled`: stopped, or not started because the region around it had failed or was canceled.
 */
export type StepState =
  | { readonly status: 'running'; readonly input?: unknown; readonly failing?: StepError }
  | { readonly status: 'succeeded'; readonly output?: unknown; readonly input?: unknown }
  | { readonly status: 'passed'; readonly output?: unknown }
  | { readonly status: 'skipped' | 'canceled' }
  | {
      readonly status: 'failed';
      readonly error: StepError;
      readonly handled?: FailureHandling;
      readonly output?: unknown;
    };

/** `catch-empty`: the catch branch ended without an output, because what precedes its end was skipped. */
export type FailureHandling = 'skip' | 'skip-rest' | 'catch' | 'catch-empty' | 'tolerated';

export type Outcome =
  | { readonly status: 'completed'; readonly output: unknown }
  | { readonly status: 'failed'; readonly error: StepError }
  /** `error`: why the finally step failed. */
  | { readonly status: 'canceled'; readonly error?: StepError };

/**
 * Everything about one run of a graph, as plain JSON. `steps` has the instances of all nodes except sinks. A map has a further
 * entry for each item: `9` is the map, `9[3]` its fourth item, `10[3]` the step that runs for this item.
 */
export interface ExecutionState {
  readonly input: unknown;
  /** Inputs that a resume gave to single steps. */
  readonly inputs?: { readonly [id: StepId]: unknown };
  readonly steps: { readonly [id: StepId]: StepState };
  /** Of a resumed execution: what was taken over from before and is not reached yet. */
  readonly kept?: { readonly [id: StepId]: StepState };
  /** Set when an uncaught failure or a cancel ends the execution, also while steps still run. */
  readonly ending?: { readonly status: 'failed'; readonly error: StepError } | { readonly status: 'canceled' };
  readonly outcome?: Outcome;
  /** What nodes have found in inputs with claims. */
  readonly looks?: { readonly [id: StepId]: Look };
}

/** What happened to a step that was started, or to the execution. Events of steps that have ended change nothing. */
export type ExecutionEvent =
  | { readonly kind: 'succeeded'; readonly id: StepId; readonly output?: unknown }
  /** Failed for good, after all attempts. */
  | { readonly kind: 'failed'; readonly id: StepId; readonly error: Omit<StepError, 'step' | 'id'> }
  /** Stopped, as after a cancel. */
  | { readonly kind: 'canceled'; readonly id: StepId }
  /**
   * Cancels the execution: nothing more starts; when the running steps have ended, `@finally` runs. With `force`, the
   * execution ends at once.
   */
  | { readonly kind: 'cancel'; readonly force?: true }
  /** What a node of `Advance.unseen` has found. */
  | { readonly kind: 'seen'; readonly id: StepId; readonly look: Look };

/** A step to run now. Its node in the graph has the name, the policy and the rest that is the same in every run. */
export interface StartedStep {
  readonly id: StepId;
  readonly index: number;
  readonly input: unknown;
  /** With templates filled in, where the task takes templates. */
  readonly parameters?: unknown;
  /** The resource of a load or store, with templates filled in. */
  readonly uri?: string;
  /** The filled-in keys of the policy. */
  readonly keys?: { readonly concurrency?: string; readonly rate?: string; readonly memoize?: string };
}

/** What is filled in of a step. */
export type FilledStep = Pick<StartedStep, 'parameters' | 'uri' | 'keys'>;

/** What a node finds in its input: everything that the values within decide. */
export interface Look {
  /** Merged, or of a map the list of items; absent: as it is. */
  readonly input?: unknown;
  /** Of a step, with templates filled in. */
  readonly filled?: FilledStep;
  /** The guard does not match. */
  readonly isPassed?: true;
  /** What is wrong with the input. */
  readonly fault?: string;
}

/** A node that needs to know what is in its input, which has claims. */
export interface UnseenInput {
  readonly id: StepId;
  readonly node: TaskNode;
  readonly input: unknown;
}

/** What to do after an event. */
export interface Advance {
  /** Nodes that wait for `seen`. */
  readonly unseen?: readonly UnseenInput[];
  readonly started: readonly StartedStep[];
  /** Running steps whose end no longer matters: stop them. Their ends are ignored. */
  readonly stopped: readonly StepId[];
  /** Present once, with the event that ended the execution. */
  readonly outcome?: Outcome;
}
