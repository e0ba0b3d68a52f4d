import type { ExecutionView } from '../../../../runtime/api-contract/execution-status';
import type { ListedExecution } from '../../../../runtime/controller/executions/ports/execution-store';
import { executionView } from '../../../../runtime/controller/executions/ports/execution-view';
import type {
  ExecutionSnapshot,
  SnapshotAnswer,
} from '../../../../runtime/controller/executions/ports/execution-workflow';
import {
  type FindExecutionProps,
  findClosed,
  findCurrent,
  findSnapshot,
  isLostWhole,
} from '../../../../runtime/controller/executions/service/find-execution';
import { ExecutionStage } from '../../../support/execution-stage';

const key = { namespace: 'team', execution: 'e' };

function view(startedAt: string): ExecutionView {
  return { ...key, status: 'Running', attributes: {}, by: 'tester', startedAt, endedAt: null, run: 1 };
}

/** An execution that is listed, and that Temporal does not know. */
class Place implements FindExecutionProps {
  listed: ListedExecution;
  stored: ExecutionSnapshot | undefined;

  constructor(startedAt: string) {
    this.listed = { view: view(startedAt), incarnation: 'i' };
  }

  readonly store = {
    find: async () => this.listed,
    snapshot: async () => this.stored,
    saveSnapshot: async (snapshot: ExecutionSnapshot) => {
      this.stored = snapshot;
    },
    exchange: async (_: ListedExecution, next: ListedExecution | undefined) => {
      if (next !== undefined) this.listed = next;
      return true;
    },
  };

  readonly workflows = {
    describe: async () => undefined,
    snapshot: async () => undefined,
    command: () => Promise.reject(new Error('there is no workflow')),
    ended: async () => undefined,
  };
}

/** An execution whose workflow is open until somebody waits for its end, and that is stored then. */
function closingPlace(snapshot: ExecutionSnapshot, answer: SnapshotAnswer): Place {
  const place = new Place('2026-01-31T08:00:00.000Z');
  const workflows = {
    describe: async () => ({ runId: 'r', isOpen: true, incarnation: 'i' }),
    snapshot: async () => answer,
    command: async () => executionView(snapshot),
    ended: async () => {
      place.listed = { view: executionView(snapshot), incarnation: 'i' };
    },
  };
  return Object.assign(place, { workflows });
}

test('an execution whose workflow is gone has failed, without what was never stored', async () => {
  const place = new Place('2026-01-31T08:00:00.000Z');
  expect(isLostWhole(await findSnapshot(place, key))).toBe(true);
  const { view: found } = await findCurrent(place, key);
  expect(found).toMatchObject({ status: 'Failed', reason: 'its workflow is gone from Temporal', by: 'tester' });
});

test('an execution whose workflow is gone goes on from what was stored', async () => {
  const place = new Place('2026-01-31T08:00:00.000Z');
  const stage = await new ExecutionStage().start('A → B');
  await stage.succeed('A', { a: 1 });
  place.stored = stage.snapshot();
  const snapshot = await findSnapshot(place, key);
  expect(isLostWhole(snapshot)).toBe(false);
  expect(snapshot.state).toMatchObject({ steps: { 1: { output: { a: 1 } } }, outcome: { status: 'failed' } });
});

test('an execution that was resumed a moment ago is not as its run before has ended', async () => {
  const stage = await new ExecutionStage().start('A → B');
  await stage.fail('A', { code: 'no', message: 'no' });
  const before = stage.snapshot();
  const place = closingPlace(before, { snapshot: before });
  const closed = async () => ({ runId: 'r', isOpen: false, incarnation: 'i' });
  place.listed = { view: view('2026-01-31T08:00:00.000Z'), incarnation: 'i', resumedMs: Date.now() };
  Object.assign(place.workflows, { describe: closed });
  expect((await findCurrent(place, key)).view.status).toBe('Running');
  place.listed = { ...place.listed, resumedMs: Date.now() - 60_000 };
  expect((await findCurrent(place, key)).view.status).toBe('Failed');
});

test('an execution whose workflow ended before it had a state is lost', async () => {
  const place = new Place('2026-01-31T08:00:00.000Z');
  Object.assign(place.workflows, { describe: async () => ({ runId: 'r', isOpen: false, incarnation: 'i' }) });
  expect((await findCurrent(place, key)).view).toMatchObject({
    status: 'Failed',
    reason: 'its workflow is gone from Temporal',
  });
});

test('an execution that was listed a moment ago is about to begin', async () => {
  const place = new Place(new Date().toISOString());
  expect((await findCurrent(place, key)).view.status).toBe('Running');
});

test.each(['small', 'large'])('an execution that has ended and is not stored yet is waited for: %s', async (size) => {
  const stage = await new ExecutionStage().start('A');
  await stage.succeed('A', { a: 1 });
  const snapshot = stage.snapshot();
  const place = closingPlace(snapshot, size === 'small' ? { snapshot } : { isTooLarge: true });
  expect((await findCurrent(place, key)).view.status).toBe('Running');
  expect((await findClosed(place, key)).view.status).toBe('Completed');
});

test('an execution that runs is not waited for', async () => {
  const snapshot = (await new ExecutionStage().start('A')).snapshot();
  for (const answer of [{ snapshot }, { isTooLarge: true }] as const) {
    const place = closingPlace(snapshot, answer);
    Object.assign(place.workflows, { ended: () => Promise.reject(new Error('waited for')) });
    expect((await findClosed(place, key)).view.status).toBe('Running');
  }
});
