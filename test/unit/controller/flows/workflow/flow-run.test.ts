import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { FlowCommand } from '../../../../../runtime/controller/flows/ports/flow-request';
import { FlowRun } from '../../../../../runtime/controller/flows/workflow/flow-run';
import { TestRuntime } from '../../../../support/test-runtime';
import { waitFor } from '../../../../support/wait-for';
import { at, endingInput, eventsOf, first, flow, inputOf, open, update } from './opened-flow';

const tick = () => new Promise((resolve) => setImmediate(resolve));
const away = () => {
  throw new Error('the server is away');
};

/** A run of the workflow of a flow. */
function start(input = inputOf()) {
  const runtime = new TestRuntime();
  const run = new FlowRun(input, runtime);
  return {
    runtime,
    run,
    ended: run.run(),
    request: (command: FlowCommand) => {
      const request = { ...command, by: 'me', at };
      run.validate(request);
      const accepted = run.accept(request);
      runtime.wake();
      return accepted;
    },
  };
}

/** Waits until the run has applied the desired state and waits for requests. */
async function settled(runtime: TestRuntime): Promise<void> {
  await waitFor('a settled run', () => runtime.memos.at(-1)?.isSettled && runtime.waiting > 0);
}

describe('a run', () => {
  test('returns the memo of a stopped flow', async () => {
    const { runtime, ended, request } = start();
    await settled(runtime);
    expect(await request({ kind: 'stop' })).toMatchObject({ phase: 'Stopping' });
    expect(await ended).toMatchObject({ phase: 'Stopped', revision: 1 });
  });

  test('refuses requests once the flow is closed, with the failure type that the controller knows', async () => {
    const { runtime, run, ended, request } = start();
    await settled(runtime);
    await request({ kind: 'stop' });
    await ended;
    const refused = () => run.validate({ kind: 'stop', by: 'me', at });
    expect(refused).toThrow(expect.objectContaining({ type: 'flow-closed', nonRetryable: true }));
  });

  test('refuses an invalid request with the reason, and accepts a valid one', async () => {
    const { runtime, run, request } = start();
    await settled(runtime);
    const refused = () => run.validate({ ...update('d2', 7), by: 'me', at });
    expect(refused).toThrow(expect.objectContaining({ type: 'state-invalid', message: expect.stringContaining('7') }));
    expect(await request({ kind: 'pause', functions: [] })).toMatchObject({ phase: 'Pausing' });
  });

  test('fails with the reason of a failed flow', async () => {
    const { runtime, ended } = start(inputOf('batch'));
    runtime.on('judge', () => ({ outcome: 'failed', reason: 'map: its Job failed' }));
    const failure = await ended.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({ message: 'map: its Job failed', type: 'flow-failed', nonRetryable: true });
  });

  test('fails a flow whose first revision cannot be applied, and does not retry', async () => {
    const { runtime, ended } = start();
    runtime.on('apply', () => {
      throw new Error('the namespace does not exist');
    });
    await expect(ended).rejects.toMatchObject({ message: 'the namespace does not exist' });
    expect(runtime.argsOf('apply')).toHaveLength(1);
    expect(runtime.steps.at(-1)).toBe('removeWorkloads');
    expect(runtime.argsOf('keep').at(-1)?.[0]).toMatchObject({ closed: { status: 'Failed' } });
  });

  test.each([
    ['delete', 'Canceled'],
    ['force', 'Terminated'],
  ] as const)('closes its workflow for %s as %s', async (ending, status) => {
    const { runtime, ended } = start(endingInput(ending));
    await expect(ended).rejects.toBeInstanceOf(CancelledFailure);
    expect(runtime.argsOf('closeAs')).toEqual([[flow, { status, reason: 'the flow was deleted', runId: 'run-1' }]]);
    expect(runtime.steps).not.toContain('apply');
  });

  test('ends only after the requests in progress', async () => {
    const { runtime, ended, request } = start();
    let hasEnded = false;
    void ended.then(() => {
      hasEnded = true;
    });
    await settled(runtime);
    runtime.handling = 1;
    await request({ kind: 'stop' });
    await waitFor('a closed flow', () => runtime.memos.at(-1)?.phase === 'Stopped');
    for (let turn = 0; turn < 10; turn++) await tick();
    expect(hasEnded).toBe(false);
    runtime.handling = 0;
    runtime.wake();
    expect(await ended).toMatchObject({ phase: 'Stopped' });
  });

  test('completes a delete in progress when its workflow is canceled', async () => {
    const { runtime, ended, request } = start();
    await settled(runtime);
    runtime.doTimersElapse = false;
    runtime.on('removeStreams', away);
    await request({ kind: 'delete', force: false });
    await waitFor('a failed step', () => runtime.memos.at(-1)?.reason === 'the server is away' && runtime.waiting > 0);
    runtime.on('removeStreams', () => undefined);
    runtime.cancel();
    await expect(ended).rejects.toBeInstanceOf(CancelledFailure);
    expect(runtime.steps.slice(-3)).toEqual(['removeStreams', 'removePayloads', 'removeDocuments']);
    expect(runtime.argsOf('keep').at(-1)?.[0]).toMatchObject({ revisions: [], closed: { status: 'Canceled' } });
  });

  test('removes the workloads of a canceled workflow and keeps the data', async () => {
    const { runtime, ended } = start();
    await settled(runtime);
    runtime.cancel();
    await expect(ended).rejects.toBeInstanceOf(CancelledFailure);
    expect(runtime.steps.at(-1)).toBe('removeWorkloads');
    expect(runtime.argsOf('keep').at(-1)?.[0]).toMatchObject({
      revisions: [{ number: 1 }],
      closed: { status: 'Canceled', reason: 'its workflow was canceled' },
    });
  });
});

describe('a step that failed', () => {
  test('is retried after a while, and the memo shows the reason until then', async () => {
    const { runtime, request } = start();
    await settled(runtime);
    let failures = 0;
    runtime.on('apply', () => (++failures < 3 ? away() : {}));
    const startMs = runtime.nowMs;
    await request({ kind: 'restart', functions: ['map'] });
    await settled(runtime);
    expect(runtime.nowMs - startMs).toBe(20_000);
    expect(runtime.memos.map(({ reason }) => reason)).toContain('the server is away');
    expect(runtime.memos.at(-1)?.reason).toBeUndefined();
    const notices = eventsOf(runtime).filter(({ kind }) => kind === 'notice');
    expect(notices).toMatchObject([{ what: 'refused', message: 'the server is away' }]);
  });

  test('is retried at once when a request arrives, even one that changes nothing', async () => {
    const { runtime, request } = start();
    await settled(runtime);
    runtime.on('drain', away);
    runtime.doTimersElapse = false;
    await request({ kind: 'pause', functions: [] });
    await waitFor('a failed step', () => runtime.memos.at(-1)?.reason === 'the server is away' && runtime.waiting > 0);
    expect(eventsOf(runtime).at(-1)).toMatchObject({ what: 'refused', message: 'the server is away' });
    runtime.on('drain', () => undefined);
    await request({ kind: 'pause', functions: [] });
    await settled(runtime);
    expect(runtime.memos.at(-1)).toMatchObject({ phase: 'Paused' });
    expect(runtime.memos.at(-1)?.reason).toBeUndefined();
  });
});

describe('a long history', () => {
  test('continues as new with everything that is pending', async () => {
    const { runtime, run, ended, request } = start();
    const failed = ended.catch((error: Error) => error.message);
    await settled(runtime);
    runtime.doTimersElapse = false;
    runtime.on('drain', away);
    for (const functions of [[], ['leaf']]) await request({ kind: 'pause', functions });
    await request({ kind: 'restart', functions: ['map'] });
    await request({ kind: 'replay', rewinds: [{ function: 'map', start: first }] });
    runtime.isLong = true;
    runtime.handling = 1;
    await request(update('d2', 1, ['leaf']));
    runtime.handling = 0;
    await waitFor('the run to wait', () => runtime.waiting);
    run.observe();
    runtime.wake();
    expect(await failed).toBe('continued');
    const { continuedWith } = runtime;
    if (continuedWith === undefined) throw new Error('not continued');
    const next = open(continuedWith);
    expect(next.state.desired).toEqual({
      revision: 2,
      isPaused: true,
      pauses: { leaf: true },
      restarts: { map: 1 },
      rewinds: [
        { function: 'map', start: first },
        { function: 'leaf', start: first, isOfUpdate: true },
      ],
    });
    expect(next.state.memo).toEqual(runtime.memos.at(-1));
    expect(next.state.applied).toMatchObject({ isPrepared: true, revision: 1 });
    expect(next.state.record.revisions.map(({ digest }) => digest)).toEqual(['d1', 'd2']);
    const events = eventsOf(runtime).map(({ what }) => what);
    expect(events).toEqual(expect.arrayContaining(['submit', 'restart', 'replay', 'update', 'pause', 'Pausing']));
  });

  test('waits for requests in progress before it continues as new', async () => {
    const { runtime, run, ended } = start();
    const failed = ended.catch((error: Error) => error.message);
    await settled(runtime);
    runtime.isLong = true;
    runtime.handling = 1;
    run.observe();
    runtime.wake();
    for (let turn = 0; turn < 10; turn++) await tick();
    expect(runtime.continuedWith).toBeUndefined();
    runtime.handling = 0;
    runtime.wake();
    expect(await failed).toBe('continued');
  });

  test('does not continue as new while nothing happens', async () => {
    const { runtime } = start();
    runtime.isLong = true;
    await settled(runtime);
    runtime.wake();
    for (let turn = 0; turn < 10; turn++) await tick();
    expect(runtime.continuedWith).toBeUndefined();
  });
});
