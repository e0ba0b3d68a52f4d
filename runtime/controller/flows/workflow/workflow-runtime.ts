import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow';
import { errorCodes } from '../../../../lib/errors';
import { interruptionTypes } from '../../ports/workflows';
import type { FlowInput, FlowMemo } from '../ports/flow-workflow';
import type { FlowActivities } from './flow-activities';

/** The parts of Temporal that a flow's workflow uses; tests implement it without a server. */
export interface WorkflowRuntime {
  readonly runId: string;
  /** ISO time. */
  readonly startTime: string;
  /** Activities with side effects: a cancellation waits for the attempt in progress. */
  readonly changes: FlowActivities;
  /** Activities without side effects: a cancellation abandons them at once. */
  readonly waits: FlowActivities;
  /** Activities with side effects that fail after so many milliseconds, including retries. */
  changesWithin(ms: number): FlowActivities;
  /** Milliseconds since 1970; the same in every replay. */
  now(): number;
  newId(): string;
  publishMemo(memo: FlowMemo): void;
  openScope(): CancelableScope;
  /** Runs work that cancellations do not interrupt. */
  nonCancelable<T>(work: () => Promise<T>): Promise<T>;
  /** Whether the current scope was canceled. */
  isCanceled(): boolean;
  /** Resolves when the condition holds, or after the timeout. */
  waitUntil(condition: () => boolean, timeoutMs?: number): Promise<unknown>;
  /** Whether no request is in progress. */
  areRequestsHandled(): boolean;
  /** Whether the history of this run exceeds the limit, or the server suggests to continue as new. */
  isHistoryLong(limit: number): boolean;
  /** Ends this run and starts the next; never resolves. */
  continueAsNew(input: FlowInput): Promise<never>;
  /** Rejects when the workflow is canceled. */
  untilCanceled(): Promise<never>;
}

/** A scope whose activities are canceled together. */
export interface CancelableScope {
  run<T>(work: () => Promise<T>): Promise<T>;
  cancel(): void;
}

/** Throws CancelledFailure when a later request has changed the desired state, so that the next step must not run. */
export function throwIfSuperseded(runtime: Pick<WorkflowRuntime, 'isCanceled'>): void {
  if (runtime.isCanceled()) throw new CancelledFailure('superseded by a later request');
}

/** Whether an activity failed permanently, other than by cancellation. */
export function isActivityFailure(error: unknown): error is ActivityFailure {
  return error instanceof ActivityFailure && !isCancellation(error);
}

/** The message of an activity's error, without Temporal's wrappers: of ours, which say what to do, else of the first cause. */
export function failureText(error: unknown): string {
  let reason = error as Error;
  while (reason.cause instanceof Error && !isOurs(reason)) reason = reason.cause;
  return isInterruption(reason) ? 'no controller finished this in time' : reason.message;
}

function isInterruption(error: Error): boolean {
  if (error instanceof ApplicationFailure) return interruptionTypes.has(error.type ?? '');
  return error instanceof TimeoutFailure || error instanceof CancelledFailure;
}

/** Activities fail with the code of a KFlowError as the type. */
function isOurs(error: Error): boolean {
  return error instanceof ApplicationFailure && error.type != null && error.type in errorCodes;
}
