import { ActivityFailure, CancelledFailure, isCancellation } from '@temporalio/workflow';
import type { FlowInput, FlowMemo } from '../ports/flow-workflow';
import type { FlowActivities } from './flow-activities';

/** What a flow's workflow uses of Temporal, so that its steps also run without a server. */
export interface WorkflowRuntime {
  readonly runId: string;
  /** ISO time. */
  readonly startTime: string;
  /** Activities that change something: a cancellation waits for the attempt in progress. */
  readonly changes: FlowActivities;
  /** Activities that only wait or read: a cancellation abandons them at once. */
  readonly waits: FlowActivities;
  /** Activities that change something and fail after so many milliseconds, retries included. */
  changesWithin(ms: number): FlowActivities;
  /** Milliseconds since 1970; the same in every replay. */
  now(): number;
  newId(): string;
  publishMemo(memo: FlowMemo): void;
  openScope(): CancelableScope;
  /** Runs work that a cancellation does not interrupt. */
  nonCancelable<T>(work: () => Promise<T>): Promise<T>;
  /** Whether the scope this code runs in was canceled. */
  isCanceled(): boolean;
  /** Resolves when the condition holds, or after the timeout. */
  waitUntil(condition: () => boolean, timeoutMs?: number): Promise<unknown>;
  /** Whether no request is being handled. */
  areRequestsHandled(): boolean;
  /** Whether the history of this run has more events than the limit, or more than the server recommends. */
  isHistoryLong(limit: number): boolean;
  /** Ends this run and starts the next; never resolves. */
  continueAsNew(input: FlowInput): Promise<never>;
  /** Rejects when the workflow is canceled. */
  untilCanceled(): Promise<never>;
}

/** A scope whose activities end together. */
export interface CancelableScope {
  run<T>(work: () => Promise<T>): Promise<T>;
  cancel(): void;
}

/** Throws CancelledFailure when a later request replaced the desired state: the next step must not run. */
export function throwIfSuperseded(runtime: Pick<WorkflowRuntime, 'isCanceled'>): void {
  if (runtime.isCanceled()) throw new CancelledFailure('superseded by a later request');
}

/** Whether an activity failed for good, other than by cancellation. */
export function isActivityFailure(error: unknown): error is ActivityFailure {
  return error instanceof ActivityFailure && !isCancellation(error);
}

/** The message of the error that an activity failed with. */
export function failureText(error: unknown): string {
  let reason = error as Error;
  while (reason.cause instanceof Error) reason = reason.cause;
  return reason.message;
}
