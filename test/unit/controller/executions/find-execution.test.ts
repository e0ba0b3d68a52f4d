import type { ExecutionView } from '../../../../runtime/api-contract/execution-status';
import type { ListedExecution } from '../../../../runtime/controller/executions/ports/execution-store';
import type { ExecutionSnapshot } from '../../../../runtime/controller/executions/ports/execution-workflow';
import {
  type FindExecutionProps,
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
    update: async (changed: ExecutionView, incarnation: string) => {
      this.listed = { view: changed, incarnation };
    },
  };

  readonly workflows = {
    describe: async () => undefined,
    snapshot: async () => undefined,
    command: () => Promise.reject(new Error('there is no workflow')),
  };
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

test('an execution that was listed a moment ago is about to begin', async () => {
  const place = new Place(new Date().toISOString());
  expect((await findCurrent(place, key)).view.status).toBe('Running');
});
