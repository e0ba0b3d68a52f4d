import { AsyncLocalStorage } from 'node:async_hooks';
import { ActivityFailure, ApplicationFailure, CancelledFailure, RetryState } from '@temporalio/common';
import type { FlowInput, FlowMemo } from '../../runtime/controller/flows/ports/flow-workflow';
import type { FlowActivities } from '../../runtime/controller/flows/workflow/flow-activities';
import type { CancelableScope, WorkflowRuntime } from '../../runtime/controller/flows/workflow/workflow-runtime';

type ActivityName = keyof FlowActivities;

/** A call of an activity, in the order of the calls. */
export interface ActivityCall {
  readonly name: ActivityName;
  readonly args: readonly unknown[];
}

/** What an activity does in a test: returns a result, throws, or stays pending until the test settles it. */
export type Behavior = (...args: never[]) => unknown;

/**
 * The current scope of each runtime. One storage for all of them: Node tracks every storage that was ever entered, at each
 * promise of the process.
 */
const scopes = new AsyncLocalStorage<ReadonlyMap<TestRuntime, TestScope>>();

class TestScope implements CancelableScope {
  private readonly cancellation = new AbortController();
  readonly signal: AbortSignal;

  /** A scope is canceled with its parent. */
  constructor(
    private readonly runtime: TestRuntime,
    parent?: TestScope,
  ) {
    const { signal } = this.cancellation;
    this.signal = parent === undefined ? signal : AbortSignal.any([signal, parent.signal]);
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    return scopes.run(new Map(scopes.getStore()).set(this.runtime, this), work);
  }

  cancel(): void {
    this.cancellation.abort();
  }
}

const results: { readonly [Name in ActivityName]?: unknown } = {
  prepare: { ended: [] },
  apply: {},
  reopened: [],
  compare: { halted: [], kept: [], restarted: [] },
  judge: { outcome: 'open' },
};

/**
 * A workflow runtime without a server: activities are functions of the test, and time passes only in waits with a timeout.
 * Scopes, cancellation and conditions behave as in Temporal.
 */
export class TestRuntime implements WorkflowRuntime {
  readonly runId: string = 'run-1';
  readonly startTime = '2026-01-01T00:00:00.000Z';
  readonly calls: ActivityCall[] = [];
  readonly memos: FlowMemo[] = [];
  nowMs = Date.parse('2026-01-01T00:00:00.000Z');
  isLong = false;
  /** Number of requests in progress. */
  handling = 0;
  /** Number of conditions that are waited for. */
  waiting = 0;
  /** Waits with a timeout end at once, as if the time had passed; false: they wait for their condition. */
  doTimersElapse: boolean = true;
  continuedWith: FlowInput | undefined;
  private ids = 0;
  private readonly behaviors = new Map<ActivityName, Behavior>();
  private readonly root = new TestScope(this);
  private readonly conditions = new Set<() => void>();

  readonly changes = this.activities(false);
  readonly waits = this.activities(true);

  changesWithin(): FlowActivities {
    return this.changes;
  }

  /** From now on, the activity does this. */
  on(name: ActivityName, behavior: Behavior): void {
    this.behaviors.set(name, behavior);
  }

  /** Names of the activities so far, without saves. */
  get steps(): readonly ActivityName[] {
    return this.calls.map(({ name }) => name).filter((name) => name !== 'keep');
  }

  argsOf(name: ActivityName): readonly (readonly unknown[])[] {
    return this.calls.filter((call) => call.name === name).map(({ args }) => args);
  }

  now(): number {
    return this.nowMs;
  }

  newId(): string {
    return `id-${++this.ids}`;
  }

  publishMemo(memo: FlowMemo): void {
    this.memos.push(memo);
  }

  openScope(): CancelableScope {
    return new TestScope(this, this.scope);
  }

  nonCancelable<T>(work: () => Promise<T>): Promise<T> {
    return new TestScope(this).run(work);
  }

  isCanceled(): boolean {
    return this.scope.signal.aborted;
  }

  async waitUntil(condition: () => boolean, timeoutMs?: number): Promise<void> {
    if (timeoutMs !== undefined && this.doTimersElapse) {
      this.nowMs += timeoutMs;
      return;
    }
    const { signal } = this.scope;
    this.waiting += 1;
    try {
      while (!condition()) {
        if (signal.aborted) throw new CancelledFailure('canceled');
        await new Promise<void>((resolve) => this.conditions.add(resolve));
      }
    } finally {
      this.waiting -= 1;
    }
  }

  /** Checks the conditions that are waited for. */
  wake(): void {
    for (const resolve of this.conditions) resolve();
    this.conditions.clear();
  }

  /** Cancels the workflow. */
  cancel(): void {
    this.root.cancel();
    this.wake();
  }

  areRequestsHandled(): boolean {
    return this.handling === 0;
  }

  isHistoryLong(): boolean {
    return this.isLong;
  }

  continueAsNew(input: FlowInput): Promise<never> {
    this.continuedWith = input;
    return Promise.reject(new Error('continued'));
  }

  untilCanceled(): Promise<never> {
    return Promise.reject(new CancelledFailure('canceled'));
  }

  private get scope(): TestScope {
    return scopes.getStore()?.get(this) ?? this.root;
  }

  private activities(isWait: boolean): FlowActivities {
    return new Proxy({} as FlowActivities, {
      get:
        (_, name: ActivityName) =>
        (...args: never[]) =>
          this.runActivity(name, args, isWait),
    });
  }

  private async runActivity(name: ActivityName, args: never[], isWait: boolean): Promise<unknown> {
    const { signal } = this.scope;
    const canceled = () => failureOf(name, new CancelledFailure('canceled'));
    if (signal.aborted) throw canceled();
    this.calls.push({ name, args: structuredClone(args) });
    const result = (async () => {
      try {
        const behavior = this.behaviors.get(name);
        return behavior === undefined ? results[name] : await behavior(...args);
      } catch (error) {
        throw failureOf(name, ApplicationFailure.nonRetryable((error as Error).message));
      }
    })();
    if (!isWait) return result;
    const abandoned = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(canceled())));
    return Promise.race([result, abandoned]);
  }
}

function failureOf(name: string, cause: Error): ActivityFailure {
  return new ActivityFailure('activity failed', name, undefined, RetryState.NON_RETRYABLE_FAILURE, undefined, cause);
}
