import type { FlowRecord } from '../../../../../runtime/controller/flows/ports/flow-record';
import type { FlowCommand } from '../../../../../runtime/controller/flows/ports/flow-request';
import type { FlowEvent } from '../../../../../runtime/controller/flows/ports/flow-store';
import type { FlowInput } from '../../../../../runtime/controller/flows/ports/flow-workflow';
import type { ApplyStep, FlowActivities } from '../../../../../runtime/controller/flows/workflow/flow-activities';
import { FlowState } from '../../../../../runtime/controller/flows/workflow/flow-state';
import { Reconciler } from '../../../../../runtime/controller/flows/workflow/reconciler';
import { TestRuntime } from '../../../../support/test-runtime';
import { waitFor } from '../../../../support/wait-for';

export const flow = { namespace: 'team', jobId: 'job' };
export const at = '2026-01-01T00:00:00.000Z';
export const first = { from: 'first' } as const;
const limits = { pauseGraceMs: 1_000, readyTimeoutMs: 1_000, historyLength: 100 };

/** Input of a workflow that a submit started. */
export function inputOf(mode: 'batch' | 'stream' = 'stream', record?: FlowRecord): FlowInput {
  const begin = { kind: 'submit' as const, digest: 'd1', mode, by: 'me', at };
  return { flow, limits, begin: record === undefined ? begin : { ...begin, record } };
}

/** Input of a workflow that only removes what an earlier one left behind. */
export function endingInput(ending: 'stop' | 'delete' | 'force', record?: FlowRecord): FlowInput {
  const begin = { kind: 'end' as const, ending, by: 'me', at };
  return { flow, limits, begin: record === undefined ? begin : { ...begin, record } };
}

/** A flow whose steps run over activities of the test. */
export function open(input = inputOf()) {
  const runtime = new TestRuntime();
  runtime.on('apply', () => ({ map: 'hash-1' }));
  const state = new FlowState(input, runtime);
  const reconciler = new Reconciler(state, runtime, input);
  return {
    runtime,
    state,
    reconciler,
    accept: (command: FlowCommand) => reconciler.accept({ ...command, by: 'me', at }),
  };
}

/** A flow whose first revision is ready; the calls up to then are forgotten. */
export async function openReady(input = inputOf()) {
  const opened = open(input);
  await opened.reconciler.reconcile();
  opened.runtime.calls.length = 0;
  return opened;
}

export function update(digest: string, base: number, dropped: readonly string[] = []): FlowCommand {
  return { kind: 'update', digest, cause: 'update', base, updated: [], dropped };
}

export function applied(runtime: TestRuntime): readonly ApplyStep[] {
  return runtime.argsOf('apply').map(([step]) => step as ApplyStep);
}

export function eventsOf(runtime: TestRuntime): readonly FlowEvent[] {
  return runtime.argsOf('keep').flatMap(([, events]) => events as FlowEvent[]);
}

/** Resolves when the activity has been called so many times. */
export async function called(runtime: TestRuntime, name: keyof FlowActivities, times = 1): Promise<void> {
  await waitFor(
    `${times} of ${name}`,
    () => runtime.calls,
    () => runtime.argsOf(name).length >= times,
  );
}

/** An activity that never ends by itself. */
export const pending = () => new Promise<never>(() => undefined);

/** An activity that stays pending until the test settles it. */
export function held(runtime: TestRuntime, name: keyof FlowActivities) {
  let settle: { readonly resolve: (result?: unknown) => void; readonly reject: (error: Error) => void } | undefined;
  runtime.on(
    name,
    () =>
      new Promise((resolve, reject) => {
        settle = { resolve, reject };
      }),
  );
  return {
    finish: (result?: unknown) => settle?.resolve(result),
    fail: (message: string) => settle?.reject(new Error(message)),
  };
}

/** Replicas that are not ready now, and still not at the deadline of any wait. */
export function neverReady(runtime: TestRuntime, unreadiness: string): void {
  runtime.on('awaitReady', (_: unknown, deadline: number) => {
    if (deadline > runtime.nowMs) runtime.nowMs = deadline + 1;
    return unreadiness;
  });
}
