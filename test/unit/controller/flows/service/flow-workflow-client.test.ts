import { StateError } from '../../../../../lib/errors';
import type { FlowKey } from '../../../../../runtime/api-contract/flow-key';
import type { FlowPhase } from '../../../../../runtime/api-contract/flow-phase';
import type { FlowRecord } from '../../../../../runtime/controller/flows/ports/flow-record';
import type { FlowMemo, FlowWorkflowView } from '../../../../../runtime/controller/flows/ports/flow-workflow';
import { findFlow } from '../../../../../runtime/controller/flows/service/find-flow';
import { FlowWorkflowClient } from '../../../../../runtime/controller/flows/service/flow-workflow-client';
import { MemoryController } from '../../../../support/memory-controller';
import { MemoryFlowStore } from '../../../../support/memory-flow-store';
import { MemoryWorkflows } from '../../../../support/memory-workflows';
import { runningMemo } from '../../flow-states';

const flow = { namespace: 'team', jobId: 'job' };
const at = '2026-01-01T00:00:00.000Z';
const eva = { by: 'eva', comment: 'because' };
const limits = { pauseGraceMs: 1, readyTimeoutMs: 1, historyLength: 1 };

function viewOf(key: FlowKey, phase: FlowPhase, isOpen: boolean): FlowWorkflowView {
  const status = isOpen ? ('Running' as const) : ('Completed' as const);
  return { key, isOpen, status, memo: { ...runningMemo, phase }, runId: 'r', startTime: at };
}

/** Workflows whose views and answers to requests follow a script; the last view stays. */
class ScriptedWorkflows extends MemoryWorkflows {
  readonly started: unknown[] = [];
  requests = 0;
  readonly keys = new Set<string | undefined>();

  constructor(
    private readonly views: FlowWorkflowView[],
    private readonly failures: Error[] = [],
  ) {
    super(() => new MemoryController().activities);
  }

  override async describe(): Promise<FlowWorkflowView | undefined> {
    return this.views.length > 1 ? this.views.shift() : this.views[0];
  }

  override async request(...[, , key]: Parameters<MemoryWorkflows['request']>): Promise<FlowMemo> {
    this.requests += 1;
    this.keys.add(key);
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    return runningMemo;
  }

  override async start(...args: Parameters<MemoryWorkflows['start']>): Promise<string> {
    this.started.push(args);
    return 'r';
  }
}

const closed = () => new StateError('flow-missing', 'the flow is not running');

function clientOf(workflows: ScriptedWorkflows): FlowWorkflowClient {
  const statuses = { of: async () => ({ status: 'Stopped' }) as never };
  return new FlowWorkflowClient({ workflows, statuses, limits });
}

test('a workflow whose memo is closed counts as open only until it has closed', async () => {
  const workflows = new ScriptedWorkflows([viewOf(flow, 'Stopped', true), viewOf(flow, 'Stopped', false)]);
  expect(await clientOf(workflows).describe(flow)).toMatchObject({ isOpen: false });
});

test('a request that a closing workflow refuses is sent to the next workflow of the flow', async () => {
  const workflows = new ScriptedWorkflows([viewOf(flow, 'Running', true)], [closed(), closed()]);
  await clientOf(workflows).request(flow, { kind: 'stop' }, eva);
  expect(workflows.requests).toBe(3);
  expect(workflows.keys.size).toBe(1);
  expect([...workflows.keys]).not.toContain(undefined);
});

test('a request to a flow that closes meanwhile is refused with the state of the flow', async () => {
  const views = [viewOf(flow, 'Running', true), viewOf(flow, 'Stopped', false)];
  const requested = clientOf(new ScriptedWorkflows(views, [closed()])).request(flow, { kind: 'stop' }, eva);
  await expect(requested).rejects.toMatchObject({
    code: 'state-invalid',
    message: 'team/job is Stopped: submit the flow again first',
  });
});

test('a request to a flow whose documents are removed is refused', async () => {
  const open = viewOf(flow, 'Stopping', true);
  const removing = { ...open, memo: { ...runningMemo, phase: 'Stopping' as const, digest: '' } };
  const workflows = new ScriptedWorkflows([removing]);
  await expect(clientOf(workflows).request(flow, { kind: 'stop' }, eva)).rejects.toMatchObject({
    code: 'state-invalid',
    message: 'team/job is being deleted; submit it again once it is gone',
  });
  expect(workflows.requests).toBe(0);
});

test('a refusal by an open workflow is not retried', async () => {
  const refusal = new StateError('state-invalid', 'the flow is stopping');
  const workflows = new ScriptedWorkflows([viewOf(flow, 'Running', true)], [refusal]);
  await expect(clientOf(workflows).request(flow, { kind: 'stop' }, eva)).rejects.toBe(refusal);
  expect(workflows.requests).toBe(1);
});

const record: FlowRecord = {
  ...flow,
  revisions: [{ number: 4, digest: 'd4', at, by: 'me', cause: 'update' }],
  epochs: {},
  runId: 'r',
  startTime: at,
};

test.each([
  ['d4', record, 4],
  ['d5', record, 5],
  ['d1', undefined, 1],
])('a start with the document %s shows its revision before the workflow runs', async (digest, previous, revision) => {
  const workflows = new ScriptedWorkflows([]);
  await clientOf(workflows).start(flow, { digest, mode: 'stream' }, { record: previous, requester: eva });
  expect(workflows.started).toMatchObject([
    [flow, { flow, limits, begin: { kind: 'submit', digest, ...eva } }, { phase: 'Running', revision, digest }],
  ]);
});

describe('the only flow with a jobId', () => {
  const other = { namespace: 'other', jobId: 'job' };
  const open = (...keys: FlowKey[]) => ({
    open: async () => keys.map((key) => viewOf(key, 'Running', true)),
    describe: async (key: FlowKey) =>
      viewOf(
        key,
        'Running',
        keys.some(({ namespace }) => namespace === key.namespace),
      ),
  });

  async function storeOf(...keys: FlowKey[]): Promise<MemoryFlowStore> {
    const store = new MemoryFlowStore();
    for (const key of keys) await store.saveRecord({ ...record, ...key });
    return store;
  }

  test('is the open one, even if closed flows have the same jobId', async () => {
    expect(await findFlow({ store: await storeOf(flow, other), workflows: open(other) }, 'job')).toEqual(other);
  });

  test('may not have a record yet', async () => {
    expect(await findFlow({ store: await storeOf(), workflows: open(flow) }, 'job')).toEqual(flow);
  });

  test('is not guessed when several are open', async () => {
    const found = findFlow({ store: await storeOf(), workflows: open(flow, other) }, 'job');
    await expect(found).rejects.toMatchObject({
      code: 'flow-exists',
      message: expect.stringContaining('several namespaces have a flow "job": other, team'),
    });
  });

  test('may be closed, if it is the only one', async () => {
    expect(await findFlow({ store: await storeOf(flow), workflows: open() }, 'job')).toEqual(flow);
  });

  test('does not exist for an unknown jobId', async () => {
    const found = findFlow({ store: await storeOf(flow), workflows: open() }, 'nobody');
    await expect(found).rejects.toMatchObject({ code: 'flow-missing' });
  });
});
