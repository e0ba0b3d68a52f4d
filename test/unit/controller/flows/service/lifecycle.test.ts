import type { FlowRecord } from '../../../../../runtime/controller/flows/ports/flow-record';
import type { FlowMemo, FlowWorkflowView } from '../../../../../runtime/controller/flows/ports/flow-workflow';
import { lifecycleOf } from '../../../../../runtime/controller/flows/service/lifecycle';

const at = '2026-01-01T00:00:00.000Z';
const later = '2026-01-01T00:05:00.000Z';
const memo: FlowMemo = {
  phase: 'Running',
  since: at,
  startTime: at,
  runId: 'first',
  revision: 2,
  digest: 'd',
  mode: 'batch',
  isSettled: true,
  pauses: {},
  ended: [],
};
const flow = { namespace: 'n', jobId: 'j' };
const view = (changes: Partial<FlowWorkflowView> = {}): FlowWorkflowView => ({
  key: flow,
  isOpen: true,
  status: 'Running',
  memo,
  runId: 'second',
  startTime: at,
  ...changes,
});
const record: FlowRecord = {
  ...flow,
  revisions: [{ number: 2, digest: 'd', at, by: 'me', cause: 'submit' }],
  epochs: {},
  runId: 'first',
  startTime: at,
};

test('a flow that nobody knows has none', () => {
  expect(lifecycleOf(undefined, undefined)).toBeUndefined();
});

test('of a workflow that runs, its own words count, and the run that it began with', () => {
  expect(lifecycleOf(view(), record)).toMatchObject({
    phase: 'Running',
    isOpen: true,
    closeTime: null,
    runId: 'first',
    digest: 'd',
  });
});

test('of one that has said how it ended, too, whatever Temporal calls it', () => {
  const closed = view({
    isOpen: false,
    status: 'Completed',
    closeTime: later,
    memo: { ...memo, phase: 'Stopped', since: later },
  });
  expect(lifecycleOf(closed, record)).toMatchObject({ phase: 'Stopped', isOpen: false, closeTime: later });
});

test.each<[FlowWorkflowView['status'], string]>([
  ['Terminated', 'Terminated'],
  ['Canceled', 'Canceled'],
  ['Failed', 'Failed'],
])('one that was ended from outside as %s is %s', (status, phase) => {
  const ended = view({ isOpen: false, status, closeTime: later });
  expect(lifecycleOf(ended, record)).toMatchObject({ phase, isOpen: false, closeTime: later });
});

test('what Temporal has forgotten is as the record has it', () => {
  const kept: FlowRecord = { ...record, closed: { status: 'Stopped', closeTime: later } };
  expect(lifecycleOf(undefined, kept)).toMatchObject({ phase: 'Stopped', closeTime: later, revision: 2, digest: 'd' });
});

test('a flow whose data is gone has no document any more', () => {
  const gone: FlowRecord = { ...record, revisions: [], closed: { status: 'Canceled', closeTime: later } };
  const closed = view({
    isOpen: false,
    status: 'Canceled',
    memo: { ...memo, phase: 'Canceled', since: later, digest: '' },
  });
  expect(lifecycleOf(closed, gone)).toMatchObject({ phase: 'Canceled', digest: '' });
});
