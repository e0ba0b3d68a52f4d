import { StateError } from '../../../../../lib/errors';
import type { FlowKey } from '../../../../../runtime/api-contract/flow-key';
import type { FlowStatus } from '../../../../../runtime/api-contract/flow-status';
import { FlowPlanner } from '../../../../../runtime/controller/flows/documents/flow-planner';
import { type ChainChanges, chainSchema, chainTopology } from '../../../../support/chain-topology';
import { MemoryController } from '../../../../support/memory-controller';
import { waitFor } from '../../../../support/wait-for';

const eva = { by: 'eva' };
const updatable = { meta: { update: true } };
const restarting = { meta: { update: true, restart: true } };

let controller: MemoryController;
const flow: FlowKey = { namespace: 'team', jobId: 'job' };

beforeEach(() => {
  controller = new MemoryController();
});

const text = (changes: ChainChanges = {}) => JSON.stringify({ ...chainTopology(changes), ...flow });
const submit = (changes: ChainChanges = {}) => controller.service.submit(flow, text(changes), eva);
const update = (changes: ChainChanges) => controller.service.update(undefined, text(changes), eva);
const until = (what: string, holds: (status: FlowStatus) => boolean) =>
  waitFor(what, () => controller.service.status(flow), holds);
const inPhase = (phase: FlowStatus['status']) => until(phase, ({ status }) => status === phase);
const healthy = () => until('a healthy flow', ({ health }) => health.state === 'healthy');

/** Ends all workflows, so that no timer outlives a test. */
afterEach(async () => {
  for (const { key, isOpen } of await controller.workflows.open()) {
    if (isOpen) await controller.service.end(key, 'force', eva).catch(() => undefined);
  }
  await waitFor('all workflows to close', async () => (await controller.workflows.open()).length === 0);
});

async function running(changes: ChainChanges = {}): Promise<void> {
  await submit(changes);
  await healthy();
}

async function stopped(changes: ChainChanges = {}): Promise<void> {
  await running(changes);
  await controller.service.end(flow, 'stop', eva);
  await inPhase('Stopped');
}

test('a flow whose streams cannot be read is listed with the reason, beside others', async () => {
  await running();
  const other = { namespace: 'team', jobId: 'other' };
  await controller.service.submit(other, JSON.stringify({ ...chainTopology({}), ...other }), eva);
  await waitFor(
    'the other flow',
    () => controller.service.status(other),
    ({ health }) => health.state === 'healthy',
  );
  await controller.streams.remove(await controller.planner.plan(flow, await digest(), {}));
  const { flows } = await controller.service.list('team', { limit: 10 });
  expect(flows.map(({ jobId, status, health }) => [jobId, status, health.state, health.problems[0]?.reason])).toEqual([
    ['job', 'Running', 'unhealthy', 'Unreadable'],
    ['other', 'Running', 'healthy', undefined],
  ]);
});

describe('a submit', () => {
  test('of the same topology in other words has no effect on a running flow', async () => {
    await running();
    const spread = JSON.stringify(JSON.parse(text()), null, 2);
    expect(await controller.service.submit(flow, spread, eva)).toMatchObject({ outcome: 'unchanged' });
  });

  test('of another topology is rejected while the flow runs', async () => {
    await running();
    await expect(submit(restarting)).rejects.toMatchObject({ code: 'flow-exists' });
    expect((await controller.service.history(flow)).map(({ revision }) => revision)).toEqual([1]);
  });

  test('resumes a stopped flow with the same document as the same revision', async () => {
    await stopped();
    expect(await submit()).toMatchObject({ outcome: 'resumed', status: { revision: 1 } });
  });

  test('resumes a stopped flow with another document only if the document fits the data', async () => {
    await stopped();
    const schema = { ...chainSchema, name: 'other' };
    await expect(submit({ schema })).rejects.toMatchObject({
      problems: [expect.objectContaining({ code: 'update-refused', path: expect.stringContaining('map.schema') })],
    });
    expect(await submit(restarting)).toMatchObject({ outcome: 'resumed', status: { revision: 2 } });
  });

  test('that another submit of the same document precedes has no effect', async () => {
    const results = await Promise.all([submit(), submit()]);
    expect(results.map(({ outcome }) => outcome).sort()).toEqual(['started', 'unchanged']);
  });

  test('starts a deleted flow anew', async () => {
    await running();
    await controller.service.end(flow, 'delete', eva);
    await inPhase('Canceled');
    expect(await submit(restarting)).toMatchObject({ outcome: 'started', status: { revision: 1 } });
  });
});

describe('an update', () => {
  test('that loses the race with another one is compared again', async () => {
    await running(updatable);
    const results = await Promise.all([update(restarting), controller.service.scale(flow, { leaf: 2 }, eva)]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['updated', 'updated']);
    const history = await controller.service.history(flow);
    expect(history.map(({ revision }) => revision)).toEqual([1, 2, 3]);
  });

  test('re-reads inputs as its document says, and cancels requested pauses of the functions it changes', async () => {
    await running(updatable);
    await controller.service.pause(flow, ['map'], eva);
    await update({ meta: { update: true, restart: true, updatePolicy: 'DropOffset' } });
    await waitFor('the re-read', () => controller.streams.rewinds.length > 0);
    const start = { from: 'first' };
    expect(controller.streams.rewinds).toMatchObject([{ flow: 'team/job', function: 'map', start }]);
    const { functions } = await controller.service.status(flow);
    expect(functions.find((fn) => fn.function === 'map')?.isPaused).toBe(false);
  });

  test('is starting, not healthy, until it has been applied, although the earlier replicas are ready', async () => {
    await running(updatable);
    const { cluster } = controller;
    const apply = cluster.apply.bind(cluster);
    let open: () => void = () => undefined;
    const isOpen = new Promise<void>((resolve) => {
      open = resolve;
    });
    cluster.apply = async (...args) => {
      await isOpen;
      await apply(...args);
    };
    await update(restarting);
    const { status, revision, health } = await controller.service.status(flow);
    expect({ status, revision, health }).toEqual({
      status: 'Running',
      revision: 2,
      health: { state: 'starting', problems: [] },
    });
    open();
    await healthy();
  });

  test('to the current document has no effect', async () => {
    await running(updatable);
    expect(await update(updatable)).toMatchObject({ outcome: 'unchanged', status: { revision: 1 } });
  });

  test('without a jobId is rejected', async () => {
    const { jobId: _, ...document } = JSON.parse(text());
    const updated = controller.service.update('team', JSON.stringify(document), eva);
    await expect(updated).rejects.toMatchObject({ code: 'setting-missing' });
  });

  test('that breaks its function is rolled back to the revision that was ready', async () => {
    controller = new MemoryController({ readyTimeoutMs: 500 });
    await running(updatable);
    controller.cluster.breakWith('kelvin');
    await update({ meta: { ...updatable.meta, code: 'def map(ctx, event): return {"kelvin": 1}' } });
    await until('a rollback', ({ revision }) => revision === 3);
    const history = await controller.service.history(flow);
    expect(history.map(({ cause, isProven }) => [cause, isProven])).toEqual([
      ['submit', true],
      ['update', false],
      ['auto-rollback', true],
    ]);
  });
});

test('the document of a revision is returned without its secrets', async () => {
  await running();
  await controller.service.scale(flow, { leaf: 2 }, eva);
  for (const revision of [undefined, 1, 2]) {
    const { dag } = JSON.parse(await controller.service.document(flow, revision));
    expect(dag[0]).toMatchObject({ topics: 's3a://texts', user: '***', password: '***' });
  }
});

describe('a rollback', () => {
  test('returns by default to the newest earlier revision that was ready', async () => {
    await running(updatable);
    await controller.service.pause(flow, [], eva);
    await inPhase('Paused');
    // never ready, because the flow is paused
    await update(restarting);
    await controller.service.scale(flow, { leaf: 2 }, eva);
    await controller.service.rollback(flow, undefined, eva);
    const [first, ...others] = await controller.service.history(flow);
    expect(others.at(-1)).toMatchObject({ revision: 4, cause: 'rollback', digest: first?.digest });
  });

  test('to a revision that does not exist names the existing ones', async () => {
    await running();
    await expect(controller.service.rollback(flow, 7, eva)).rejects.toMatchObject({
      code: 'revision-missing',
      message: 'team/job has no revision 7; it has 1',
    });
    await expect(controller.service.rollback(flow, undefined, eva)).rejects.toMatchObject({ code: 'state-invalid' });
  });
});

describe('the end of a flow', () => {
  test('by delete is refused for a stopped flow, whose data only force deletes', async () => {
    await stopped();
    await expect(controller.service.end(flow, 'delete', eva)).rejects.toMatchObject({
      code: 'state-invalid',
      message: 'team/job is Stopped: its data is kept for the next submit; use force=true to delete the data too',
    });
    const plan = await controller.planner.plan(flow, await digest(), {});
    await controller.service.end(flow, 'force', eva);
    await inPhase('Terminated');
    expect([controller.streams.has(plan), controller.buckets.has(plan)]).toEqual([false, false]);
    expect(await controller.service.history(flow)).toEqual([]);
  });

  test('by stop keeps streams and buckets, and by delete removes them', async () => {
    await stopped();
    const plan = await controller.planner.plan(flow, await digest(), {});
    expect([controller.streams.has(plan), controller.buckets.has(plan)]).toEqual([true, true]);
    expect(await controller.cluster.workloads(flow)).toEqual([]);
    await submit();
    await controller.service.end(flow, 'delete', eva);
    await inPhase('Canceled');
    expect([controller.streams.has(plan), controller.buckets.has(plan)]).toEqual([false, false]);
  });

  test('by stop is refused once the flow is closed', async () => {
    await running();
    await controller.service.end(flow, 'delete', eva);
    await inPhase('Canceled');
    await expect(controller.service.end(flow, 'stop', eva)).rejects.toMatchObject({ code: 'state-invalid' });
  });

  test('stops an orphan whose workflow was terminated', async () => {
    await running();
    await controller.workflows.closeAs(flow, { status: 'Terminated', reason: 'a test' });
    await controller.service.stopOrphan(flow);
    await inPhase('Stopped');
    expect(await controller.cluster.workloads(flow)).toEqual([]);
  });

  test('follows the deletion of its owner object in the cluster, with the data', async () => {
    await running();
    await controller.service.removeOwned(flow);
    await inPhase('Canceled');
    expect(await controller.store.events(flow, { kind: 'audit', limit: 1 })).toMatchObject([
      { what: 'delete', by: 'kubernetes' },
    ]);
  });

  test('follows the deletion of its owner object even when it is stopped', async () => {
    await stopped();
    await controller.service.removeOwned(flow);
    await inPhase('Terminated');
    expect(await controller.service.history(flow)).toEqual([]);
  });
});

describe('a flow whose document is lost', () => {
  const lost = { code: 'document-missing', message: expect.stringContaining('has no document') };

  beforeEach(async () => {
    await running();
    await controller.store.removeDocuments(flow);
    // as a controller that has just started
    controller.planner.topology = (...of) => new FlowPlanner(controller.store, {}).topology(...of);
  });

  test('refuses a delete and stays as it is', async () => {
    await expect(controller.service.end(flow, 'delete', eva)).rejects.toMatchObject(lost);
    expect(await controller.service.status(flow)).toMatchObject({ status: 'Running' });
  });

  test('refuses the same document again, which would not bring its streams back', async () => {
    await expect(submit()).rejects.toMatchObject(lost);
  });

  test('is ended by a forced delete, which notes what it leaves behind, and can be submitted anew', async () => {
    await controller.service.end(flow, 'force', eva);
    await inPhase('Terminated');
    const events = await controller.store.events(flow);
    expect(events.filter(({ what }) => what === 'left-behind').map(({ message }) => message)).toEqual([
      expect.stringMatching(/^cannot remove the streams: team\/job has no document/),
      expect.stringMatching(/^cannot remove the payloads in the message store: team\/job has no document/),
    ]);
    expect(await submit()).toMatchObject({ outcome: 'started' });
    await healthy();
  });

  test('is ended when its owner object is deleted in the cluster', async () => {
    await controller.service.removeOwned(flow);
    await inPhase('Terminated');
  });
});

async function digest(): Promise<string> {
  return (await controller.service.history(flow))[0]?.digest ?? '';
}

describe('a replay', () => {
  test('re-reads the input of a function once', async () => {
    await running();
    await controller.service.replay(flow, { function: 'map', from: { sequence: 3 } }, eva);
    await waitFor('the rewind', () => controller.streams.rewinds.length > 0);
    await healthy();
    const start = { from: 'sequence', sequence: 3 };
    expect(controller.streams.rewinds).toEqual([{ flow: 'team/job', function: 'map', start }]);
  });

  test('of a source or an unknown function is rejected', async () => {
    await running();
    await expect(controller.service.replay(flow, { function: 'list', from: 'first' }, eva)).rejects.toMatchObject({
      message: 'list is a source and has no input to re-read',
    });
    await expect(controller.service.replay(flow, { function: 'mapp', from: 'first' }, eva)).rejects.toMatchObject({
      code: 'edge-unknown',
      message: 'no function has the id "mapp"; did you mean "map"?',
    });
  });
});

test('a restart of functions restarts no others', async () => {
  await running();
  const hashes = async () => (await controller.cluster.workloads(flow)).map(({ specHash }) => specHash);
  const before = await hashes();
  await controller.service.restart(flow, ['map'], eva);
  const after = await waitFor('a restart', hashes, (now) => now.join() !== before.join());
  expect(after.map((hash, index) => hash === before[index])).toEqual([true, false, true]);
});

test('a delete that another request overtakes is tried again', async () => {
  await stopped();
  const { workflows } = controller;
  const start = workflows.start.bind(workflows);
  let refusals = 0;
  workflows.start = async (...args) => {
    if (refusals++ < 2) throw new StateError('flow-exists', 'the flow is running');
    return start(...args);
  };
  await controller.service.end(flow, 'force', eva);
  await inPhase('Terminated');
  expect(refusals).toBe(3);
});

test.each(['stop', 'force'] as const)('%s waits for a workflow that is long in closing', async (ending) => {
  await running();
  const { store, workflows } = controller;
  const saveRecord = store.saveRecord.bind(store);
  let refusals = 0;
  store.saveRecord = async (record) => {
    if (record.closed !== undefined) await waitFor('a second request', () => refusals > 1);
    return saveRecord(record);
  };
  await controller.service.end(flow, 'stop', eva);
  const describeFlow = workflows.describe.bind(workflows);
  let isOverdue = false;
  workflows.request = async () => {
    refusals += 1;
    if (refusals > 1) await waitFor('the close', async () => (await describeFlow(flow))?.isOpen === false);
    isOverdue = true; // ends the retries of this request
    throw new StateError('flow-missing', 'the flow is closed');
  };
  workflows.describe = async (key) => {
    const view = isOverdue ? undefined : await describeFlow(key);
    isOverdue = false;
    return view;
  };
  await controller.service.end(flow, ending, eva);
  await inPhase(ending === 'stop' ? 'Stopped' : 'Terminated');
});

test('a request with the key of an earlier one has no effect', async () => {
  await running();
  const keyed = { ...eva, idempotencyKey: 'k1' };
  for (let time = 0; time < 2; time++) await controller.service.restart(flow, ['map'], keyed);
  await controller.service.restart(flow, ['map'], { ...eva, idempotencyKey: 'k2' });
  const events = await controller.service.events(flow, { kind: 'audit', limit: 100 });
  expect(events.filter(({ what }) => what === 'restart')).toHaveLength(2);
});

test('an update without a namespace finds the only flow with its jobId, and names the namespaces of several', async () => {
  const { namespace: _, ...document } = JSON.parse(text(restarting));
  await running(updatable);
  expect(await controller.service.update(undefined, JSON.stringify(document), eva)).toMatchObject({
    outcome: 'updated',
  });
  const other = { namespace: 'other', jobId: 'job' };
  await controller.service.submit(other, JSON.stringify({ ...JSON.parse(text(updatable)), ...other }), eva);
  await expect(controller.service.update(undefined, JSON.stringify(document), eva)).rejects.toMatchObject({
    code: 'flow-exists',
    message: expect.stringContaining('other, team'),
  });
});

test('the status of a completed batch that found no objects says so', async () => {
  const store = { addr: 's3:9000', user: 'u', password: 'p' };
  const list = { id: 'list', type: 'fs-source', format: 'list', topics: 's3a://inbox/*/a*.txt', out: ['write'] };
  const write = { id: 'write', type: 's3-sink', topics: 's3a://outbox' };
  const document = { ...flow, mode: 'batch', globalConfig: { store }, dag: [list, write] };
  const digest = await controller.store.putDocument(flow, JSON.stringify(document));
  await controller.streams.provision(await controller.planner.plan(flow, digest, {}));
  const at = '2026-01-31T08:00:00.000Z';
  await controller.store.saveRecord({
    ...flow,
    revisions: [{ number: 1, digest, at, by: 'eva', cause: 'submit' }],
    epochs: {},
    runId: 'run',
    startTime: at,
    closed: { status: 'Completed', closeTime: at },
  });
  expect(await controller.service.status(flow)).toMatchObject({
    status: 'Completed',
    health: {
      state: 'inactive',
      problems: [{ function: 'list', reason: 'NoObjects', message: 'no objects found at s3a://inbox/*/a*.txt' }],
    },
  });
});
