import type { FlowCommand } from '../../../../../runtime/controller/flows/ports/flow-request';
import type { FlowInput } from '../../../../../runtime/controller/flows/ports/flow-workflow';
import type { FlowActivities } from '../../../../../runtime/controller/flows/workflow/flow-activities';
import { called, first, inputOf, open, update } from './opened-flow';

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

test.each(cases)(
  '%s that a delete supersedes during %s (step %i) does not continue',
  async (_, step, index, command, steps) => {
    const { runtime, state, reconciler, accept } = await openReady(inputOf());
    const isNth = () => runtime.steps.length === index + 1;
    let finish: () => void = () => undefined;
    const isStarted = new Promise<void>((resolve) => {
      const before = step === 'apply' ? { map: 'hash-1' } : step === 'reopened' ? ['map'] : undefined;
      const results: { readonly [name in Step]?: unknown } = { compare: { halted: [], kept: [], restarted: [] } };
      runtime.on(step, () => {
        if (!isNth()) return before ?? results[step];
        resolve();
        return new Promise((settle) => {
          finish = () => settle(before ?? results[step]);
        });
      });
    });
    await accept(command);
    const reconciling = reconciler.reconcile();
    await isStarted;
    await accept({ kind: 'delete', force: true });
    finish();
    await reconciling;
    const later = runtime.steps.slice(index + 1);
    expect(runtime.steps.slice(0, index + 1)).toEqual(steps.slice(0, index + 1));
    expect(later.filter((name) => !harmless.includes(name))).toEqual([]);
    expect(state.memo).toMatchObject({ phase: 'Stopping', isSettled: false });
    expect([state.isClosed, state.isSettled]).toEqual([false, false]);
  },
);

test('a batch flow that a request supersedes while its end is checked stays open', async () => {
  const { runtime, state, reconciler, accept } = await openReady(inputOf('batch'));
  let finish: () => void = () => undefined;
  runtime.on(
    'judge',
    () =>
      new Promise((resolve) => {
        finish = () => resolve({ outcome: 'completed' });
      }),
  );
  reconciler.observe();
  const reconciling = reconciler.reconcile();
  await called(runtime, 'judge');
  await accept({ kind: 'replay', rewinds: [{ function: 'map', start: first }] });
  finish();
  await reconciling;
  expect(runtime.steps).toEqual(['judge']);
  expect(state.isClosed).toBe(false);
});
