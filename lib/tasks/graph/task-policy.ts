/** How a task is retried, timed and limited, with every default filled in. Durations are in milliseconds. */
export interface TaskPolicy {
  readonly retry: RetryPolicy;
  readonly timeout: TaskTimeouts;
  /** What a failure means that no `catch` takes. */
  readonly optional: FailureMode;
  readonly concurrency?: ConcurrencyLimit;
  readonly rate?: RateLimit;
  readonly memoize?: Memoization;
}

interface RetryPolicy {
  /** Runs of the task at most; 1 is no retry. */
  readonly attempts: number;
  readonly backoffMs: number;
  /** Each delay is that many times the one before. */
  readonly factor: number;
  /** Longest delay. */
  readonly capMs: number;
  /** Whether delays are spread at random between half and all of their length. */
  readonly jitter: boolean;
  /** Codes of errors that are not retried. */
  readonly except: readonly string[];
}

/** Limits of time; an absent one does not limit. */
export interface TaskTimeouts {
  /** From the start of the step until a worker takes the task, for each attempt. */
  readonly startMs?: number;
  /** One run of the task. */
  readonly runMs?: number;
  /** Between two signs of life of a running task. */
  readonly heartbeatMs?: number;
  /** All attempts with their delays. */
  readonly totalMs?: number;
}

/**
 * `fail`: the flow fails. `skip`: the step passes its input on, as behind a false guard. `skip-rest`: what follows on this
 * branch is skipped too; a join goes on with what its other branches give.
 */
export type FailureMode = 'fail' | 'skip' | 'skip-rest';

/** Runs at a time, of all executions; with a key, for each value of the key. The key is a template. */
interface ConcurrencyLimit {
  readonly limit: number;
  readonly key?: string;
}

/** Starts in a period, of all executions; with a key, for each value of the key. The key is a template. */
interface RateLimit {
  readonly limit: number;
  readonly perMs: number;
  readonly key?: string;
}

/** A result with the same key is taken instead of a run, unless it is older than `maxAgeMs`. The key is a template. */
interface Memoization {
  readonly key: string;
  readonly maxAgeMs?: number;
}

/** The policy of a task that declares none: one attempt, without limits. */
export const defaultPolicy: TaskPolicy = {
  retry: { attempts: 1, backoffMs: 1_000, factor: 2, capMs: 60_000, jitter: true, except: [] },
  timeout: {},
  optional: 'fail',
};

/** Items of a map that run at a time unless its policy says otherwise. */
export const defaultMapLimit = 100;
