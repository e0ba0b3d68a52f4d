import type { FlowRecord } from '../../../../../runtime/controller/flows/ports/flow-record';
import {
  applied,
  at,
  called,
  endingInput,
  eventsOf,
  first,
  flow,
  inputOf,
  neverReady,
  open,
  openReady,
  pending,
  update,
} from './opened-flow';

const away = () => {
  throw new Error('the server is away');
};

const record: FlowRecord = {
  ...flow,
  revisions: [{ number: 1, digest: 'd1', at, by: 'me', cause: 'submit', isProven: true }],
  epochs: { map: 2 },
  runId: 'run-0',
  startTime: at,
};

describe('the memo', () => {
  test('shows the submitted document from the start', () => {
    const { runtime } = open();
    expect(runtime.memos).toMatchObject([{ phase: 'Running', revision: 1, digest: 'd1', isSettled: false }]);
  });

  test('shows a closed phase only after the record is saved', async () => {
    const { runtime, state, reconciler, accept } = await openReady();
    const phases: string[] = [];
    runtime.on('keep', (saved: FlowRecord | undefined) => {
      if (saved?.closed !== undefined) phases.push(state.memo.phase);
    });
    await accept({ kind: 'stop' });
    await reconciler.reconcile();
    expect(phases).toEqual(['Stopping']);
    expect(runtime.memos.at(-1)?.phase).toBe('Stopped');
  });

  test('has no document once the data is removed, before the documents are', async () => {
    const { runtime, state, reconciler, accept } = await openReady();
    const digests: string[] = [];
    for (const name of ['removeStreams', 'removePayloads', 'removeDocuments'] as const) {
      runtime.on(name, () => {
        digests.push(state.memo.digest);
      });
    }
    await accept({ kind: 'delete', force: false });
    await reconciler.reconcile();
    expect(digests).toEqual(['d1', 'd1', '']);
  });
});

describe('a batch flow', () => {
  test('is marked as completed before it closes', async () => {
    const { runtime, reconciler } = await openReady(inputOf('batch'));
    runtime.on('judge', () => ({ outcome: 'completed' }));
    reconciler.observe();
    await reconciler.reconcile();
    expect(runtime.calls.map(({ name }) => name)).toEqual(['judge', 'removeWorkloads', 'markCompleted', 'keep']);
    expect(runtime.argsOf('keep')[0]?.[0]).toMatchObject({ closed: { status: 'Completed' } });
  });

  test('does not start functions that had ended before, until a replay reopens them', async () => {
    const { runtime, state, reconciler, accept } = open(inputOf('batch', record));
    runtime.on('prepare', () => ({ ended: ['list', 'map'] }));
    runtime.on('reopened', () => ['map', 'leaf']);
    await reconciler.reconcile();
    expect(applied(runtime).map(({ without }) => without)).toEqual([['list', 'map']]);
    expect(state.memo.ended).toEqual(['list', 'map']);
    await accept({ kind: 'replay', rewinds: [{ function: 'map', start: first }] });
    await reconciler.reconcile();
    expect(applied(runtime).at(-1)?.without).toEqual(['list']);
    expect(state.memo.ended).toEqual(['list']);
    expect(runtime.argsOf('judge').at(-1)?.[1]).toEqual(['list']);
  });

  test('that is paused is not checked for its end', async () => {
    const { runtime, reconciler, accept } = await openReady(inputOf('batch'));
    await accept({ kind: 'pause', functions: [] });
    await reconciler.reconcile();
    expect(runtime.steps).not.toContain('judge');
  });
});

describe('a rollback', () => {
  test('returns to the revision applied before when none was ready, and is noted', async () => {
    const { runtime, state, reconciler, accept } = open();
    runtime.on('awaitReady', pending);
    const starting = reconciler.reconcile();
    await called(runtime, 'awaitReady');
    neverReady(runtime, 'not ready');
    await accept(update('d2', 1));
    await starting;
    await reconciler.reconcile();
    expect(state.record.revisions.at(-1)).toMatchObject({ digest: 'd1', cause: 'auto-rollback', by: 'kflow' });
    await state.save();
    expect(eventsOf(runtime)).toContainEqual(
      expect.objectContaining({
        kind: 'notice',
        what: 'auto-rollback',
        message: 'revision 2 did not become ready: not ready; rolled back to revision 1',
      }),
    );
  });

  test('returns to the same revision after a request applied the failing one again', async () => {
    const { runtime, state, reconciler, accept } = open();
    runtime.on('awaitReady', pending);
    const starting = reconciler.reconcile();
    await called(runtime, 'awaitReady');
    runtime.on('awaitReady', (_: unknown, deadline: number) => (deadline > runtime.nowMs ? pending() : 'not ready'));
    await accept(update('d2', 1));
    await starting;
    const updating = reconciler.reconcile();
    await called(runtime, 'awaitReady', 3);
    await accept({ kind: 'restart', functions: ['map'] });
    await updating;
    runtime.on('awaitReady', (_: unknown, deadline: number) => {
      runtime.nowMs = deadline + 1;
      return 'not ready';
    });
    await reconciler.reconcile();
    expect(applied(runtime).map(({ digest }) => digest)).toEqual(['d1', 'd2', 'd2']);
    expect(state.record.revisions.at(-1)).toMatchObject({ digest: 'd1', cause: 'auto-rollback' });
  });

  test('of an update that cannot be applied returns to the applied revision, although none was ready', async () => {
    const { runtime, state, reconciler, accept } = open();
    runtime.on('awaitReady', (_: unknown, deadline: number) => (deadline > runtime.nowMs ? pending() : 'not ready'));
    const starting = reconciler.reconcile();
    await called(runtime, 'awaitReady');
    await accept(update('d2', 1));
    await starting;
    const updating = reconciler.reconcile();
    await called(runtime, 'awaitReady', 3);
    runtime.on('compare', away);
    await accept(update('d3', 2));
    await updating;
    await reconciler.reconcile();
    expect(state.record.revisions.map(({ digest, cause }) => [digest, cause])).toEqual([
      ['d1', 'submit'],
      ['d2', 'update'],
      ['d3', 'update'],
      ['d2', 'auto-rollback'],
    ]);
  });

  test('compares with the revision whose apply failed, because parts of it are in the cluster', async () => {
    const { runtime, state, reconciler, accept } = await openReady();
    runtime.on('apply', away);
    await accept(update('d2', 1));
    await reconciler.reconcile();
    expect(state.applied).toMatchObject({ revision: 2, previous: 1 });
    runtime.on('apply', () => ({}));
    await reconciler.reconcile();
    const documents = { from: 'd2', steps: [{ digest: 'd1', isRollback: true }] };
    expect(runtime.argsOf('compare').at(-1)?.[1]).toEqual(documents);
  });

  test('of a paused flow does not happen', async () => {
    const { runtime, state, reconciler, accept } = await openReady();
    runtime.on('drain', away);
    await accept(update('d2', 1));
    await accept({ kind: 'pause', functions: [] });
    await reconciler.reconcile();
    expect(state.record.revisions.map(({ digest }) => digest)).toEqual(['d1', 'd2']);
    expect(reconciler.retryAfterMs).toBeGreaterThan(0);
  });
});

describe('an update', () => {
  test('first checks whether the applied revision is ready, so that it can be rolled back to', async () => {
    const { runtime, state, reconciler, accept } = open();
    runtime.on('awaitReady', pending);
    const starting = reconciler.reconcile();
    await called(runtime, 'awaitReady');
    runtime.on('awaitReady', () => undefined);
    await accept(update('d2', 1));
    await starting;
    runtime.calls.length = 0;
    await reconciler.reconcile();
    expect(runtime.steps.slice(0, 2)).toEqual(['awaitReady', 'compare']);
    expect(runtime.argsOf('awaitReady')[0]).toEqual([flow, runtime.nowMs]);
    expect(state.revision(1)?.isProven).toBe(true);
  });

  test('that supersedes another one before it is applied is compared step by step', async () => {
    const { runtime, reconciler, accept } = await openReady();
    await accept(update('d2', 1));
    await accept(update('d3', 2));
    await reconciler.reconcile();
    const steps = ['d2', 'd3'].map((digest) => ({ digest, isRollback: false }));
    expect(runtime.argsOf('compare')).toEqual([[flow, { from: 'd1', steps }]]);
  });

  test('of a paused flow does not take missing replicas for a revision that is not ready', async () => {
    const { runtime, state, reconciler, accept } = open();
    runtime.on('awaitReady', pending);
    const starting = reconciler.reconcile();
    await called(runtime, 'awaitReady');
    await accept({ kind: 'pause', functions: [] });
    await starting;
    await reconciler.reconcile();
    expect(state.memo.phase).toBe('Paused');
    await accept(update('d2', 1));
    await accept({ kind: 'resume', functions: [] });
    runtime.on('awaitReady', () => undefined);
    runtime.calls.length = 0;
    await reconciler.reconcile();
    expect(runtime.steps).toEqual(['compare', 'provision', 'apply', 'awaitReady']);
    expect(state.revision(1)?.isProven).toBeUndefined();
    expect(applied(runtime)[0]).toMatchObject({ digest: 'd2' });
  });

  test.each([
    ['restarts', update('d3', 2), { halted: [], kept: [], restarted: ['map'] }],
    ['re-reads', update('d3', 2, ['map']), { halted: [], kept: ['map'], restarted: [] }],
  ] as const)('that %s a function gives it the template of the new document', async (_, command, transition) => {
    const { runtime, reconciler, accept } = await openReady();
    runtime.on('reopened', () => ['map']);
    runtime.on('compare', () => ({ halted: [], kept: ['map'], restarted: [] }));
    await accept(update('d2', 1));
    await reconciler.reconcile();
    expect(applied(runtime).at(-1)?.pins).toEqual({ map: 'hash-1' });
    runtime.on('compare', () => transition);
    await accept(command);
    await reconciler.reconcile();
    expect(applied(runtime).at(-1)?.digest).toBe('d3');
    expect(applied(runtime).at(-1)?.pins).toEqual({});
  });
});

test('a Job that fails before the deadline ends the wait, and the flow is not rolled back', async () => {
  const { runtime, state, reconciler } = open(inputOf('batch'));
  runtime.on('awaitReady', () => 'map failed: its Job failed');
  runtime.on('judge', () => ({ outcome: 'failed', reason: 'map: its Job failed' }));
  await reconciler.reconcile();
  expect(runtime.steps).toEqual(['prepare', 'apply', 'awaitReady', 'judge', 'removeWorkloads']);
  expect(state.memo).toMatchObject({ phase: 'Failed', reason: 'map: its Job failed' });
});

test('a run that continues an earlier one saves nothing until something changes', async () => {
  const { state } = await openReady();
  const next = open(state.carry());
  await next.state.save();
  expect(next.runtime.argsOf('keep')).toEqual([]);
  await next.accept({ kind: 'pause', functions: [] });
  expect(next.runtime.argsOf('keep')).toHaveLength(1);
});

test('a workflow after a stop keeps revisions and epochs, and carries out pending re-reads', async () => {
  const rewinds = [{ function: 'map', start: first }];
  const { runtime, reconciler, state } = open(inputOf('stream', { ...record, rewinds }));
  runtime.on('reopened', () => ['map']);
  await reconciler.reconcile();
  expect(runtime.steps).toEqual(['prepare', 'reopened', 'rewind', 'apply']);
  expect(runtime.argsOf('prepare')).toEqual([[{ flow, digest: 'd1', epochs: { map: 2 } }]]);
  expect(state.record).toMatchObject({ revisions: [{ number: 1, digest: 'd1' }], epochs: { map: 3 } });
  expect(state.desired.rewinds).toEqual([]);
});

test.each([
  ['stop', 'Stopped', 'stop'],
  ['force', 'Terminated', 'delete'],
] as const)('a workflow that only has to %s ends without preparing anything', async (ending, phase, what) => {
  const { runtime, reconciler, state } = open(endingInput(ending, record));
  expect(state.memo).toMatchObject({ phase: 'Stopping', revision: 1, digest: 'd1' });
  await reconciler.reconcile();
  expect(runtime.steps).not.toContain('prepare');
  expect(state.memo.phase).toBe(phase);
  expect(eventsOf(runtime).map((event) => event.what)).toEqual([what, phase]);
});

test('a forced delete leaves payloads behind when the object store does not respond, and notes it', async () => {
  const { runtime, reconciler, state } = open(endingInput('force', record));
  runtime.on('removePayloads', away);
  await reconciler.reconcile();
  expect(state.memo.phase).toBe('Terminated');
  expect(eventsOf(runtime)).toContainEqual(
    expect.objectContaining({
      what: 'left-behind',
      message: 'cannot remove the payloads in the message store: the server is away',
    }),
  );
});

test('a delete is retried when the object store does not respond', async () => {
  const { runtime, reconciler, state } = open(endingInput('delete', record));
  runtime.on('removePayloads', away);
  await reconciler.reconcile();
  expect(state.isClosed).toBe(false);
  expect(state.memo).toMatchObject({ phase: 'Stopping', reason: 'the server is away' });
  expect(reconciler.retryAfterMs).toBeGreaterThan(0);
  runtime.on('removePayloads', () => undefined);
  await reconciler.reconcile();
  expect(state.memo.phase).toBe('Canceled');
  expect(reconciler.retryAfterMs).toBeUndefined();
});
