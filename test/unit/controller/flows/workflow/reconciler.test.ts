import type { FlowCommand } from '../../../../../runtime/controller/flows/ports/flow-request';
import { FlowRun } from '../../../../../runtime/controller/flows/workflow/flow-run';
import { TestRuntime } from '../../../../support/test-runtime';
import { waitFor } from '../../../../support/wait-for';
import {
  applied,
  at,
  called,
  eventsOf,
  first,
  flow,
  held,
  inputOf,
  neverReady,
  open,
  openReady,
  pending,
  update,
} from './opened-flow';

describe('an update that does not become ready', () => {
  test('is rolled back to the newest revision that was ready, not to a newer one that never was', async () => {
    const { runtime, state, reconciler, accept } = await openReady();
    runtime.on('awaitReady', pending);
    await accept(update('d2', 1));
    const applying = reconciler.reconcile();
    await called(runtime, 'awaitReady');
    neverReady(runtime, 'map has 0 of 1 replicas ready');
    await accept(update('d3', 2));
    await applying;
    await reconciler.reconcile();
    expect(
      state.record.revisions.map(({ number, digest, cause, isProven }) => [number, digest, cause, isProven]),
    ).toEqual([
      [1, 'd1', 'submit', true],
      [2, 'd2', 'update', undefined],
      [3, 'd3', 'update', undefined],
      [4, 'd1', 'auto-rollback', true],
    ]);
    expect(applied(runtime).map(({ digest }) => digest)).toEqual(['d2', 'd3']);
    expect(state.desired.revision).toBe(4);
    expect(state.memo.reason).toBe('revision 3 did not become ready: map has 0 of 1 replicas ready');
  });

  test('is not rolled back for the failed step of an earlier update that it superseded', async () => {
    const { runtime, state, reconciler, accept } = await openReady();
    const apply = held(runtime, 'apply');
    await accept(update('d2', 1));
    const applying = reconciler.reconcile();
    await called(runtime, 'apply');
    await accept(update('d3', 2));
    apply.fail('refused');
    await applying;
    expect(state.record.revisions.map(({ digest }) => digest)).toEqual(['d1', 'd2', 'd3']);
    expect([state.desired.revision, state.memo.reason]).toEqual([3, undefined]);
  });

  test('cancels its own re-reads and keeps those of a replay request', async () => {
    const { runtime, state, reconciler, accept } = await openReady();
    runtime.on('compare', () => {
      throw new Error('refused');
    });
    await accept({ kind: 'replay', rewinds: [{ function: 'leaf', start: first }] });
    await accept(update('d2', 1, ['map']));
    await reconciler.reconcile();
    expect(state.desired.rewinds).toEqual([{ function: 'leaf', start: first }]);
  });

  test('waits on when the flow has no other revision', async () => {
    const { runtime, state, reconciler } = open();
    const deadlines: unknown[] = [];
    runtime.on('awaitReady', (_: unknown, deadline?: number) => {
      deadlines.push(deadline);
      runtime.nowMs += 5_000;
      return deadline === undefined ? undefined : 'not ready';
    });
    await reconciler.reconcile();
    expect(deadlines).toEqual([expect.any(Number), undefined]);
    expect(state.revision(1)?.isProven).toBe(true);
    expect(state.memo.reason).toBeUndefined();
  });
});

describe('the wait until replicas are ready', () => {
  const notReady = 'map has 0 of 1 replicas ready';

  test('lasts the ready timeout, counted from the end of the apply', async () => {
    const { runtime, reconciler } = open();
    const deadlines: unknown[] = [];
    runtime.on('apply', () => {
      runtime.nowMs += 700;
      return { map: 'hash-1' };
    });
    runtime.on('awaitReady', (_: unknown, deadline?: number) => {
      deadlines.push(deadline);
    });
    await reconciler.reconcile();
    expect(deadlines).toEqual([Date.parse(at) + 700 + 1_000]);
  });

  test('is interrupted when a Job ends, and starts again', async () => {
    const { runtime, state, reconciler } = open(inputOf('batch'));
    runtime.on('awaitReady', pending);
    const waiting = reconciler.reconcile();
    await called(runtime, 'awaitReady');
    let isInterrupted = false;
    void waiting.then(() => {
      isInterrupted = true;
    });
    reconciler.observe();
    for (let turn = 0; turn < 50 && !isInterrupted; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(isInterrupted).toBe(true);
    expect([state.isSettled, state.isClosed]).toEqual([true, false]);
    runtime.on('awaitReady', () => undefined);
    runtime.on('judge', () => ({ outcome: 'completed' }));
    await reconciler.reconcile();
    expect(state.memo.phase).toBe('Completed');
  });

  test('is over once a Job has failed, and the flow fails', async () => {
    const { runtime, state, reconciler } = open(inputOf('batch'));
    let waits = 0;
    runtime.on('awaitReady', () => (++waits === 1 ? notReady : undefined));
    runtime.on('judge', () => ({ outcome: 'failed', reason: 'map: its Job failed' }));
    await reconciler.reconcile();
    expect(runtime.argsOf('awaitReady')).toHaveLength(1);
    expect(state.memo).toMatchObject({ phase: 'Failed', reason: 'map: its Job failed' });
  });

  test('is the only step that a Job that ends interrupts', async () => {
    const { runtime, state, reconciler, accept } = await openReady(inputOf('batch'));
    let finish: () => void = () => undefined;
    const applied = new Promise<object>((resolve) => {
      finish = () => resolve({ map: 'hash-2' });
    });
    runtime.on('apply', () => applied);
    await accept({ kind: 'restart', functions: ['map'] });
    const restarting = reconciler.reconcile();
    await called(runtime, 'apply');
    reconciler.observe();
    finish();
    await restarting;
    expect(state.isSettled).toBe(true);
    expect(runtime.steps).toEqual(['apply', 'judge']);
  });

  test.each([0, 1, 2, 3, 4, 5])(
    'that an update supersedes %i turns after its deadline never rolls that update back',
    async (turns) => {
      const { runtime, state, reconciler, accept } = await openReady();
      let finish: () => void = () => undefined;
      runtime.on(
        'awaitReady',
        () =>
          new Promise((resolve) => {
            finish = () => resolve(notReady);
          }),
      );
      await accept(update('d2', 1));
      const waiting = reconciler.reconcile();
      await called(runtime, 'awaitReady');
      runtime.nowMs += 5_000;
      finish();
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      const hasEnded = state.desired.revision !== 2;
      await accept(update('d3', state.desired.revision));
      await waiting;
      expect(state.record.revisions.map(({ cause }) => cause)).toEqual(
        hasEnded ? ['submit', 'update', 'auto-rollback', 'update'] : ['submit', 'update', 'update'],
      );
      expect(state.memo).toMatchObject({ revision: hasEnded ? 4 : 3, isSettled: false });
      expect(state.memo.reason).toBeUndefined();
    },
  );
});

describe('a re-read', () => {
  test('starts once no replica is left, with new message ids', async () => {
    const { runtime, state, reconciler, accept } = await openReady();
    runtime.on('reopened', () => ['map', 'leaf']);
    await accept({ kind: 'replay', rewinds: [{ function: 'map', start: first }] });
    await reconciler.reconcile();
    expect(runtime.steps).toEqual(['reopened', 'apply', 'awaitGone', 'rewind', 'apply']);
    expect(applied(runtime).map(({ without, epochs }) => [without, epochs])).toEqual([
      [['map', 'leaf'], {}],
      [[], { map: 1 }],
    ]);
    expect(runtime.argsOf('awaitGone')).toEqual([[flow, ['map', 'leaf']]]);
    expect(state.desired.rewinds).toEqual([]);
    await reconciler.reconcile();
    expect(runtime.argsOf('rewind')).toHaveLength(1);
  });

  test('of several functions gives each of them new message ids', async () => {
    const { runtime, reconciler, accept } = await openReady();
    runtime.on('reopened', () => ['map', 'leaf']);
    await accept({ kind: 'replay', rewinds: ['map', 'leaf'].map((id) => ({ function: id, start: first })) });
    await reconciler.reconcile();
    expect(applied(runtime).at(-1)?.epochs).toEqual({ map: 1, leaf: 1 });
  });

  test('of another function keeps the message ids of the first', async () => {
    const { runtime, reconciler, accept } = await openReady();
    for (const id of ['map', 'leaf']) {
      runtime.on('reopened', () => [id]);
      await accept({ kind: 'replay', rewinds: [{ function: id, start: first }] });
      await reconciler.reconcile();
    }
    expect(applied(runtime).at(-1)?.epochs).toEqual({ map: 1, leaf: 2 });
  });

  test('that is requested while another is carried out follows it', async () => {
    const { runtime, state, reconciler, accept } = await openReady();
    runtime.on('reopened', () => ['map']);
    const rewind = held(runtime, 'rewind');
    await accept({ kind: 'replay', rewinds: [{ function: 'map', start: first }] });
    const running = reconciler.reconcile();
    await called(runtime, 'rewind');
    await accept({ kind: 'replay', rewinds: [{ function: 'leaf', start: first }] });
    runtime.on('rewind', () => undefined);
    rewind.finish();
    await running;
    await reconciler.reconcile();
    expect(runtime.argsOf('rewind').flatMap(([, rewinds]) => rewinds)).toContainEqual({
      function: 'leaf',
      start: first,
    });
    expect(state.desired.rewinds).toEqual([]);
  });

  test('of an update (DropOffset) starts a new epoch, saved before the new document is applied', async () => {
    const { runtime, reconciler, accept } = await openReady();
    runtime.on('reopened', () => ['map']);
    await accept(update('d2', 1, ['map']));
    runtime.calls.length = 0;
    await reconciler.reconcile();
    const names = runtime.calls.map(({ name }) => name);
    expect(names).toEqual([
      'compare',
      'provision',
      'reopened',
      'apply',
      'awaitGone',
      'rewind',
      'keep',
      'apply',
      'awaitReady',
      'keep',
    ]);
    expect(runtime.argsOf('keep')[0]?.[0]).toMatchObject({ epochs: { map: 1 } });
  });
});

describe('running replicas', () => {
  test('keep their template over an update that does not restart them, until a restart is requested', async () => {
    const { runtime, reconciler, accept } = await openReady();
    runtime.on('compare', () => ({ halted: [], kept: ['map'], restarted: [] }));
    await accept(update('d2', 1));
    await reconciler.reconcile();
    expect(applied(runtime).at(-1)).toMatchObject({ digest: 'd2', pins: { map: 'hash-1' }, restarts: {} });
    await accept({ kind: 'restart', functions: ['map'] });
    await reconciler.reconcile();
    expect(applied(runtime).at(-1)).toMatchObject({ digest: 'd2', restarts: { map: 1 } });
    expect(applied(runtime).at(-1)?.pins).toEqual({});
  });

  test('of functions whose shared state changes are gone before the new document is applied', async () => {
    const { runtime, reconciler, accept } = await openReady();
    runtime.on('compare', () => ({ halted: ['map'], kept: [], restarted: ['map'] }));
    await accept(update('d2', 1));
    await reconciler.reconcile();
    expect(runtime.steps).toEqual(['compare', 'provision', 'apply', 'awaitGone', 'apply', 'awaitReady']);
    expect(applied(runtime).map(({ digest, without }) => [digest, without])).toEqual([
      ['d1', ['map']],
      ['d2', []],
    ]);
  });
});

describe('a pause', () => {
  test('of functions applies them as paused, and the audit log names who requested it', async () => {
    const { runtime, reconciler, accept } = await openReady();
    await accept({ kind: 'pause', functions: ['map'] });
    await reconciler.reconcile();
    expect(applied(runtime).map(({ halt, pauses }) => [halt, pauses])).toEqual([[undefined, { map: true }]]);
    expect(eventsOf(runtime)).toMatchObject([{ kind: 'audit', what: 'pause', by: 'me', message: 'map' }]);
  });

  test('stops the replicas of the applied revision, not those of an update that is not applied yet', async () => {
    const { runtime, reconciler, accept } = await openReady();
    await accept(update('d2', 1));
    await accept({ kind: 'pause', functions: [] });
    await reconciler.reconcile();
    expect(applied(runtime).map(({ digest, halt }) => [digest, halt])).toEqual([
      ['d1', 'sources'],
      ['d1', 'all'],
    ]);
  });

  test('stops sources, drains, and only then stops all replicas', async () => {
    const { runtime, state, reconciler, accept } = await openReady();
    await accept({ kind: 'pause', functions: [] });
    expect(state.memo.phase).toBe('Pausing');
    await reconciler.reconcile();
    expect(runtime.steps).toEqual(['apply', 'drain', 'apply', 'awaitGone']);
    expect(applied(runtime).map(({ halt }) => halt)).toEqual(['sources', 'all']);
    expect(state.memo).toMatchObject({ phase: 'Paused', isSettled: true });
  });

  test('names what is left at the end of the grace time', async () => {
    const { runtime, state, reconciler, accept } = await openReady();
    runtime.on('drain', () => 'map: 3 records pending');
    await accept({ kind: 'pause', functions: [] });
    await reconciler.reconcile();
    expect(state.memo.reason).toBe('timed out waiting for records in flight: map: 3 records pending');
  });

  test('that a resume supersedes stops nothing more', async () => {
    const { runtime, state, reconciler, accept } = await openReady();
    runtime.on('drain', pending);
    await accept({ kind: 'pause', functions: [] });
    const pausing = reconciler.reconcile();
    await called(runtime, 'drain');
    await accept({ kind: 'resume', functions: [] });
    await pausing;
    expect(applied(runtime).map(({ halt }) => halt)).toEqual(['sources']);
    expect(state.memo.phase).toBe('Running');
  });

  test('that arrives while a revision is applied keeps the next step from running', async () => {
    const { runtime, state, reconciler, accept } = open();
    const apply = held(runtime, 'apply');
    const running = reconciler.reconcile();
    await called(runtime, 'apply');
    await accept({ kind: 'pause', functions: [] });
    apply.finish({});
    await running;
    expect(runtime.steps).toEqual(['prepare', 'apply']);
    expect(state.isSettled).toBe(false);
    expect(state.memo.isSettled).toBe(false);
    expect(state.applied.revision).toBe(1);
  });
});

describe('an end', () => {
  test('by stop waits for replicas, keeps the data, and closes the record before the memo', async () => {
    const { runtime, state, reconciler, accept } = await openReady();
    await accept({ kind: 'stop' });
    await reconciler.reconcile();
    expect(runtime.steps).toEqual(['removeWorkloads', 'awaitGone']);
    expect(runtime.argsOf('keep').at(-1)?.[0]).toMatchObject({ closed: { status: 'Stopped', closeTime: at } });
    expect(state.memo.phase).toBe('Stopped');
    expect(state.isClosed).toBe(true);
  });

  test.each([
    [false, 'Canceled'],
    [true, 'Terminated'],
  ] as const)('by delete with force %s removes streams, payloads and documents', async (force, phase) => {
    const { runtime, state, reconciler, accept } = await openReady();
    await accept({ kind: 'delete', force });
    await reconciler.reconcile();
    expect(runtime.steps).toEqual([
      'removeWorkloads',
      'awaitGone',
      'removeStreams',
      'removePayloads',
      'removeDocuments',
    ]);
    expect(runtime.argsOf('removeWorkloads')).toEqual([[flow, { now: force, keepOwner: true }]]);
    expect(state.memo.phase).toBe(phase);
    expect(state.record).toMatchObject({ revisions: [], epochs: {}, closed: { status: phase } });
  });

  test('refuses every later request but a delete', async () => {
    const { state, accept } = await openReady();
    await accept({ kind: 'stop' });
    const refusal = (command: FlowCommand) => state.refusalOf({ ...command, by: 'me', at });
    for (const kind of ['pause', 'resume', 'restart'] as const) {
      expect(refusal({ kind, functions: ['map'] })).toBe('the flow is stopping; submit it again once it is stopped');
    }
    expect(refusal(update('d2', 1))).toBeDefined();
    expect(refusal({ kind: 'delete', force: false })).toBeUndefined();
  });

  test('keeps re-reads that are pending for the next submit', async () => {
    const { runtime, reconciler, accept } = await openReady();
    const rewinds = [{ function: 'map', start: first }];
    await accept({ kind: 'replay', rewinds });
    await accept({ kind: 'stop' });
    await reconciler.reconcile();
    expect(runtime.argsOf('keep').at(-1)?.[0]).toMatchObject({ rewinds });
  });
});

describe('a batch flow', () => {
  test.each([
    ['completed', 'Completed', ['judge', 'removeWorkloads', 'markCompleted']],
    ['failed', 'Failed', ['judge', 'removeWorkloads']],
  ] as const)('that %s closes as %s and keeps its ended Jobs', async (outcome, phase, steps) => {
    const { runtime, state, reconciler } = await openReady(inputOf('batch'));
    runtime.on('judge', () => ({ outcome }));
    reconciler.observe();
    await reconciler.reconcile();
    expect(runtime.steps).toEqual(steps);
    expect(runtime.argsOf('removeWorkloads')).toEqual([[flow, { keepEnded: true }]]);
    expect(state.memo.phase).toBe(phase);
  });

  test('is checked once for each observation of an ended Job', async () => {
    const { state, reconciler } = await openReady(inputOf('batch'));
    reconciler.observe();
    expect(reconciler.isDue(state.generation)).toBe(true);
    await reconciler.reconcile();
    expect(reconciler.isDue(state.generation)).toBe(false);
  });
});

describe('documents', () => {
  test('in use are kept, however many revisions follow', async () => {
    const { runtime, reconciler, accept, state } = open();
    runtime.on('awaitReady', pending);
    const starting = reconciler.reconcile();
    await called(runtime, 'awaitReady');
    for (let number = 1; number < 60; number++) await accept(update(`d${number + 1}`, number));
    await starting;
    expect(state.revision(1)).toMatchObject({ digest: 'd1' });
    expect(state.revision(1)?.isProven).toBeUndefined();
    const dropped = runtime.argsOf('keep').flatMap(([, , digests]) => digests as string[]);
    expect(dropped).toContain('d2');
    expect(dropped).not.toContain('d1');
    runtime.on('awaitReady', () => undefined);
    await reconciler.reconcile();
    expect(runtime.argsOf('compare')[0]?.[1]).toMatchObject({ from: 'd1' });
  });
});

describe('events', () => {
  test('of requests that arrive during a save are saved after it', async () => {
    const { runtime, accept } = await openReady();
    const save = held(runtime, 'keep');
    const requests = ['map', 'leaf'].map((id) => accept({ kind: 'restart', functions: [id] }));
    await called(runtime, 'keep');
    requests.push(accept({ kind: 'stop' }));
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    expect(runtime.argsOf('keep')).toHaveLength(1);
    runtime.on('keep', () => undefined);
    save.finish();
    await Promise.all(requests);
    expect(eventsOf(runtime).map(({ what }) => what)).toEqual(['restart', 'restart', 'stop', 'Stopping']);
  });

  test('are saved once each, in order, over a new run of the workflow', async () => {
    const runtime = new TestRuntime();
    const run = new FlowRun(inputOf(), runtime);
    const ended = run.run().catch((error: Error) => error.message);
    await called(runtime, 'awaitReady');
    await waitFor('an applied revision', () => runtime.memos.at(-1)?.isSettled);
    runtime.isLong = true;
    await run.accept({ kind: 'replay', rewinds: [{ function: 'map', start: first }], by: 'me', at });
    runtime.wake();
    const continuedWith = await waitFor('the next run', () => {
      run.observe();
      runtime.wake();
      return runtime.continuedWith;
    });
    expect(await ended).toBe('continued');
    const next = open(continuedWith);
    await next.reconciler.reconcile();
    await next.accept({ kind: 'stop' });
    await next.reconciler.reconcile();
    const events = [...eventsOf(runtime), ...eventsOf(next.runtime)];
    expect(events.map(({ what }) => what)).toEqual(['submit', 'replay', 'stop', 'Stopping', 'Stopped']);
    expect(next.state.record.revisions).toMatchObject([{ number: 1, isProven: true }]);
    expect(next.runtime.steps).not.toContain('prepare');
  });
});
