import type { FlowRecord } from '../../../../../runtime/controller/flows/ports/flow-record';
import type { FlowMemo } from '../../../../../runtime/controller/flows/ports/flow-workflow';
import { chainTopology } from '../../../../support/chain-topology';
import { MemoryController } from '../../../../support/memory-controller';
import { waitFor } from '../../../../support/wait-for';

const flow = { namespace: 'team', jobId: 'job' };
const comment = 'revision 1 did not become ready: map has 0 of 1 replicas ready';
let controller: MemoryController;

beforeEach(async () => {
  controller = new MemoryController();
  await controller.service.submit(flow, JSON.stringify(chainTopology({})), { by: 'the test' });
  await waitFor('a healthy flow', async () => (await controller.service.status(flow)).health.state === 'healthy');
});

/** Changes what the workflow and the record of the flow say. */
function say(memo: Partial<FlowMemo>, more: { readonly lastFailure?: string; readonly rolledBackAt?: string } = {}) {
  const { workflows, store } = controller;
  const describe = workflows.describe.bind(workflows);
  workflows.describe = async (key) => {
    const view = await describe(key);
    const lastFailure = more.lastFailure === undefined ? {} : { lastFailure: more.lastFailure };
    return view && { ...view, ...lastFailure, memo: view.memo && { ...view.memo, ...memo } };
  };
  const { rolledBackAt: at } = more;
  if (at === undefined) return;
  const record = store.record.bind(store);
  store.record = async (key) => {
    const found = (await record(key)) as FlowRecord;
    const last = { number: 2, digest: 'd', at, by: 'kflow', comment, cause: 'auto-rollback' as const };
    return { ...found, revisions: [...found.revisions, last] };
  };
}

const reason = async () => (await controller.service.status(flow)).reason;

test('a healthy flow does not show why it could not be applied before, nor an earlier failure of a step', async () => {
  say({ reason: 'the cluster is unreachable' }, { lastFailure: 'no response within 30 s' });
  expect(await reason()).toBeUndefined();
});

test('a healthy flow shows for an hour why it was rolled back', async () => {
  say({ reason: comment }, { rolledBackAt: new Date(Date.now() - 59 * 60_000).toISOString() });
  expect(await reason()).toBe(comment);
});

test('a healthy flow does not show why it was rolled back long ago', async () => {
  say({ reason: comment }, { rolledBackAt: new Date(Date.now() - 61 * 60_000).toISOString() });
  expect(await reason()).toBeUndefined();
});

test.each([
  ['is changing', { reason: 'no such namespace', isSettled: false }],
  ['is paused', { reason: 'no such namespace', phase: 'Paused' as const }],
])('a flow that %s shows its reason', async (_how, memo) => {
  say(memo);
  expect(await reason()).toBe('no such namespace');
});

test('a flow that is changing shows the failure of the step that is being retried', async () => {
  say({ isSettled: false }, { lastFailure: 'no response within 30 s' });
  expect(await reason()).toBe('no response within 30 s');
});
