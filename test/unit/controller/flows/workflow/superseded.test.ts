import type { FlowCommand } from '../../../../../runtime/controller/flows/ports/flow-request';
import type { FlowInput } from '../../../../../runtime/controller/flows/ports/flow-workflow';
import type { FlowActivities } from '../../../../../runtime/controller/flows/workflow/flow-activities';
import { called, first, held, inputOf, open, update } from './opened-flow';

type Step = keyof FlowActivities;

/** The steps of one reconciliation, from a running flow. */
const scenarios: readonly (readonly [string, FlowCommand, readonly Step[]])[] = [
  ['a pause', { kind: 'pause', functions: [] }, ['apply', 'drain', 'apply', 'awaitGone']],
  ['a stop', { kind: 'stop' }, ['removeWorkloads', 'awaitGone']],
  [
    'a replay',
    { kind: 'replay', rewinds: [{ function: 'map', start: first }] },
    ['reopened', 'apply', 'awaitGone', 'rewind', 'apply'],
  ],
  [
    'an update with a re-read',
    update('d2', 1, ['map']),
    ['compare', 'provision', 'reopened', 'apply', 'awaitGone', 'rewind', 'apply', 'awaitReady'],
  ],
];

/** Steps without side effects may follow at once; the next step with side effects must not run. */
const harmless: readonly Step[] = ['compare', 'reopened'];

async function openReady(input: FlowInput) {
  const opened = open(input);
  opened.runtime.on('reopened', () => ['map']);
  await opened.reconciler.reconcile();
  opened.runtime.calls.length = 0;
  return opened;
}

const cases = scenarios.flatMap(([title, command, steps]) =>
  steps.map((step, index) => [title, step, index, command, steps] as const),
);

/** What each step returns. */
const results: { readonly [name in Step]?: unknown } = {
  apply: { map: 'hash-1' },
  reopened: ['map'],
  compare: { halted: [], kept: [], restarted: [] },
};

/**
 * Supersedes a command by a forced delete, so many turns of the event queue after one of its steps has ended; undefined:
 * before it ends. Returns the steps up to the delete and those after it.
 */
async function supersede(command: FlowCommand, [step, index]: readonly [Step, number], turns: number | undefined) {
  const { runtime, state, reconciler, accept } = await openReady(inputOf());
  let finish: () => void = () => undefined;
  const isStarted = new Promise<void>((resolve) => {
    runtime.on(step, () => {
      if (runtime.steps.length !== index + 1) return results[step];
      resolve();
      return new Promise((settle) => {
        finish = () => settle(results[step]);
      });
    });
  });
  await accept(command);
  const reconciling = reconciler.reconcile();
  await isStarted;
  if (turns !== undefined) {
    finish();
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
  }
  const before = runtime.steps;
  const wasClosed = state.isClosed;
  if (!wasClosed) await accept({ kind: 'delete', force: true });
  finish();
  await reconciling;
  return { state, before, after: runtime.steps.slice(before.length), wasClosed };
}

test.each(cases)(
  '%s that a delete supersedes during %s (step %i) ends there',
  async (_, step, index, command, steps) => {
    const { state, before, after } = await supersede(command, [step, index], undefined);
    expect(before).toEqual(steps.slice(0, index + 1));
    expect(after.filter((name) => !harmless.includes(name))).toEqual([]);
    expect(state.memo).toMatchObject({ phase: 'Stopping', isSettled: false });
    expect([state.isClosed, state.isSettled]).toEqual([false, false]);
  },
);

test.each(cases)('%s that a delete supersedes just after %s (step %i) ends there', async (_, step, index, command) => {
  for (let turns = 0; turns < 20; turns++) {
    const { state, after, wasClosed } = await supersede(command, [step, index], turns);
    if (wasClosed) continue;
    expect(after.filter((name) => !harmless.includes(name))).toEqual([]);
    expect(state.memo.phase).toBe('Stopping');
    expect([state.isClosed, state.isSettled]).toEqual([false, false]);
  }
});

test('a batch flow that a request supersedes while its end is checked stays open', async () => {
  const { runtime, state, reconciler, accept } = await openReady(inputOf('batch'));
  const judge = held(runtime, 'judge');
  reconciler.observe();
  const reconciling = reconciler.reconcile();
  await called(runtime, 'judge');
  await accept({ kind: 'replay', rewinds: [{ function: 'map', start: first }] });
  judge.finish({ outcome: 'completed' });
  await reconciling;
  expect(runtime.steps).toEqual(['judge']);
  expect(state.isClosed).toBe(false);
});
