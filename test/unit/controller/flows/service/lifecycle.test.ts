import type { FlowRecord } from '../../../../../runtime/controller/flows/ports/flow-record';
import type { FlowMemo, FlowWorkflowView } from '../../../../../runtime/controller/flows/ports/flow-workflow';
import { lifecycleOf } from '../../../../../runtime/controller/flows/service/lifecycle';
import { runningMemo } from '../../flow-states';

const at = '2026-01-01T00:00:00.000Z';
const later = '2026-01-01T00:05:00.000Z';
const memo: FlowMemo = { ...runningMemo, runId: 'first', revision: 2, mode: 'batch' };
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

test('an unknown flow has no lifecycle', () => {
  expect(lifecycleOf(undefined, undefined)).toBeUndefined();
});

test('an open flow has the phase of its memo and the run id of its first run', () => {
  expect(lifecycleOf(view(), record)).toMatchObject({
    phase: 'Running',
    isOpen: true,
    closeTime: null,
    runId: 'first',
    digest: 'd',
  });
});

test('a closed flow has the phase of its memo, whatever its status in Temporal', () => {
  const closed = view({
    isOpen: false,
    status: 'Completed',
    closeTime: later,
    memo: { ...memo, phase: 'Stopped', since: later },
  });
  expect(lifecycleOf(closed, record)).toMatchObject({ phase: 'Stopped', isOpen: false, closeTime: later });
});

test('a flow is closed as soon as its memo is, even if its workflow is still open', () => {
  const closing = view({ memo: { ...memo, phase: 'Stopped', since: later } });
  expect(lifecycleOf(closing, record)).toMatchObject({ phase: 'Stopped', isOpen: false, closeTime: later });
});

test.each<[FlowWorkflowView['status'], string]>([
  ['Terminated', 'Terminated'],
  ['Canceled', 'Canceled'],
  ['Failed', 'Failed'],
])('a flow whose workflow was ended in Temporal as %s is %s', (status, phase) => {
  const ended = view({ isOpen: false, status, closeTime: later });
  expect(lifecycleOf(ended, record)).toMatchObject({ phase, isOpen: false, closeTime: later });
});

test('a flow without a workflow has the state of its record', () => {
  const kept: FlowRecord = { ...record, closed: { status: 'Stopped', closeTime: later } };
  expect(lifecycleOf(undefined, kept)).toMatchObject({ phase: 'Stopped', closeTime: later, revision: 2, digest: 'd' });
});

test('a flow whose workflow Temporal has lost is Terminated, with the reason', () => {
  expect(lifecycleOf(undefined, record)).toMatchObject({
    phase: 'Terminated',
    closeTime: at,
    reason: 'workflow not found in Temporal',
  });
});

test('a flow whose data was removed has no document', () => {
  const gone: FlowRecord = { ...record, revisions: [], closed: { status: 'Canceled', closeTime: later } };
  const closed = view({
    isOpen: false,
    status: 'Canceled',
    memo: { ...memo, phase: 'Canceled', since: later, digest: '' },
  });
  expect(lifecycleOf(closed, gone)).toMatchObject({ phase: 'Canceled', digest: '' });
});
