import { CancelledFailure } from '@temporalio/activity';
import type { FlowPlan } from '../../../../../lib/plan/flow-plan';
import { ActivityLease } from '../../../../../runtime/controller/flows/activities/activity-lease';
import type { FlowRecord } from '../../../../../runtime/controller/flows/ports/flow-record';
import type { FlowDocument } from '../../../../../runtime/controller/flows/workflow/flow-activities';
import type { Cluster } from '../../../../../runtime/controller/ports/cluster';
import { type ChainChanges, chainTopology } from '../../../../support/chain-topology';
import { MemoryController } from '../../../../support/memory-controller';

const flow = { namespace: 'team', jobId: 'job' };
const step = { pauses: {}, without: [], pins: {}, restarts: {}, epochs: {} };
const at = '2026-01-01T00:00:00.000Z';

let controller: MemoryController;
beforeEach(() => {
  controller = new MemoryController();
});

async function stored(changes: ChainChanges = {}): Promise<FlowDocument & { readonly plan: FlowPlan }> {
  const text = JSON.stringify({ ...chainTopology(changes), ...flow });
  const digest = await controller.store.putDocument(flow, text);
  return { flow, digest, plan: await controller.planner.plan(flow, digest, {}) };
}

const functions = async () => (await controller.cluster.workloads(flow)).map((workload) => workload.function);
/** Hashes of the templates, without those of the manifests. */
const hashes = async () =>
  Object.fromEntries(
    (await controller.cluster.workloads(flow)).map((state) => [state.function, state.specHash?.split('.')[0]]),
  );

function recordOf(digests: readonly string[]): FlowRecord {
  const revisions = digests.map((digest, index) => ({
    number: index + 1,
    digest,
    at,
    by: 'me',
    cause: 'update' as const,
  }));
  return { ...flow, revisions, epochs: {}, runId: 'r', startTime: at };
}

test('a login that cannot be revoked keeps no flow from closing, and is reported', async () => {
  const { activities, store, warnings } = controller;
  controller.revocationFault = new Error('nats is away');
  const closed = { status: 'Stopped' as const, closeTime: at };
  await activities.keep({ ...recordOf([]), closed }, [], []);
  expect(await store.record(flow)).toMatchObject({ closed });
  await activities.removeDocuments(flow);
  const warning = 'team/job: cannot revoke its login at nats: nats is away; tried again when it is due';
  expect(warnings).toEqual([warning, warning]);
});

describe('keep', () => {
  test('saves the record and the events, and removes only the dropped documents', async () => {
    const { activities, store } = controller;
    const [old, current] = [await stored(), await stored({ parallelism: 2 })];
    const event = { ...flow, id: 'e1', at, kind: 'audit' as const, what: 'submit' };
    await activities.keep(recordOf([current.digest]), [event], []);
    expect(await store.document(flow, old.digest)).toContain('list');
    for (let attempt = 0; attempt < 2; attempt++) {
      await activities.keep(recordOf([current.digest]), [event], [old.digest]);
    }
    expect(await store.record(flow)).toEqual(recordOf([current.digest]));
    expect(await store.events(flow)).toEqual([event]);
    await expect(store.document(flow, old.digest)).rejects.toMatchObject({ code: 'document-missing' });
    expect(await store.document(flow, current.digest)).toContain('list');
  });

  test.each([
    ['Stopped', ['team/job']],
    ['Completed', ['team/job']],
    ['Failed', []],
  ] as const)('revokes the login of a flow that has no replicas any more: %s', async (status, revoked) => {
    const { activities } = controller;
    await activities.keep(recordOf([]), [], []);
    expect(controller.revoked).toEqual([]);
    await activities.keep({ ...recordOf([]), closed: { status, closeTime: at } }, [], []);
    expect(controller.revoked).toEqual(revoked);
  });

  test('appends every event, in order', async () => {
    const { activities, store } = controller;
    const events = ['e1', 'e2'].map((id) => ({ ...flow, id, at, kind: 'audit' as const, what: 'submit' }));
    await activities.keep(undefined, events, []);
    expect(await store.events(flow)).toEqual(events);
  });
});

describe('prepare', () => {
  test('removes replicas of an earlier workflow before it creates streams, and begins a run', async () => {
    const { activities, cluster, streams, buckets } = controller;
    const { plan, ...document } = await stored({ mode: 'batch' });
    await activities.prepare({ ...document, epochs: {} });
    await activities.apply({ ...document, ...step });
    streams.end(plan, 'list');
    const order: string[] = [];
    const workloads = cluster.workloads.bind(cluster);
    cluster.workloads = async (of) => {
      order.push('workloads');
      return workloads(of);
    };
    const provision = streams.provision.bind(streams);
    streams.provision = async (of) => {
      order.push('provision');
      return provision(of);
    };
    expect(await activities.prepare({ ...document, epochs: {} })).toEqual({ ended: ['list'] });
    expect(order).toEqual(['workloads', 'provision']);
    expect([await functions(), streams.has(plan), buckets.has(plan)]).toEqual([[], true, true]);
    await activities.markCompleted(document);
    expect(await activities.prepare({ ...document, epochs: {} })).toEqual({ ended: [] });
  });
});

describe('apply', () => {
  test('removes workloads of functions that are gone or left out', async () => {
    const { activities } = controller;
    const { plan: _, ...document } = await stored();
    await activities.apply({ ...document, ...step });
    expect(await functions()).toEqual(['list', 'map', 'leaf']);
    await activities.apply({ ...document, ...step, without: ['map'] });
    expect(await functions()).toEqual(['list', 'leaf']);
  });

  test('keeps the template of pinned functions, and counts restarts in the others', async () => {
    const { activities } = controller;
    const [before, after] = [await stored(), await stored({ meta: { env: [{ name: 'A', value: 'b' }] } })];
    const applied = await activities.apply({ flow, digest: before.digest, ...step });
    expect(await hashes()).toEqual(applied);
    const pins = { map: applied.map ?? '' };
    expect(await activities.apply({ flow, digest: after.digest, ...step, pins })).toEqual(applied);
    expect(await hashes()).toEqual(applied);
    const restarted = await activities.apply({ flow, digest: before.digest, ...step, restarts: { leaf: 2 } });
    expect(restarted).toEqual({ ...applied, leaf: `${applied.leaf}-2` });
  });

  test('gives replicas the epochs of their functions', async () => {
    const { activities, cluster } = controller;
    const { plan: _, ...document } = await stored();
    const apply = cluster.apply.bind(cluster);
    const configs = new Map<string, string>();
    cluster.apply = async (of, objects) => {
      for (const { kind, metadata, data } of objects) {
        if (kind === 'ConfigMap') configs.set(metadata.labels?.['kflow.io/function'] ?? '', JSON.stringify(data));
      }
      await apply(of, objects);
    };
    await activities.apply({ ...document, ...step, epochs: { map: 3 } });
    expect([configs.get('map'), configs.get('leaf')]).toEqual([
      expect.stringMatching(/epoch\W+3\b/),
      expect.not.stringContaining('epoch'),
    ]);
  });

  test('resumes a function that the document pauses', async () => {
    const { activities, cluster } = controller;
    const { plan: _, ...document } = await stored({ meta: { update: true, pause: true } });
    const desired = async (pauses: { readonly [functionId: string]: boolean }) => {
      await activities.apply({ ...document, ...step, pauses });
      return (await cluster.workloads(flow)).find((state) => state.function === 'map')?.desired;
    };
    expect([await desired({}), await desired({ map: false })]).toEqual([0, 1]);
  });

  test.each([
    [undefined, {}, { list: 1, map: 1, leaf: 1 }],
    [undefined, { leaf: true }, { list: 1, map: 1, leaf: 0 }],
    ['sources', {}, { list: 0, map: 1, leaf: 1 }],
    ['all', { map: false }, { list: 0, map: 0, leaf: 0 }],
  ] as const)('with halt %s and pauses %j desires %j replicas', async (halt, pauses, expected) => {
    const { activities, cluster } = controller;
    const { plan: _, ...document } = await stored();
    await activities.apply({ ...document, ...step, pauses, ...(halt === undefined ? {} : { halt }) });
    const workloads = await cluster.workloads(flow);
    expect(Object.fromEntries(workloads.map((state) => [state.function, state.desired]))).toEqual(expected);
  });
});

describe('compare', () => {
  const documents = async () => {
    const from = await stored({ meta: { update: true } });
    const to = await stored({ meta: { update: true, restart: true, dropOffset: true } });
    return { from: from.digest, to: to.digest };
  };

  test('restarts what each step of an update restarts, and keeps all other replicas', async () => {
    const { activities } = controller;
    const { from, to } = await documents();
    const code = 'def map(ctx, event): return {"n": 2}';
    const last = await stored({ meta: { update: true, restart: true, code } });
    const steps = [to, last.digest].map((digest) => ({ digest, isRollback: false }));
    const transition = await activities.compare(flow, { from, steps });
    expect(transition.restarted).toEqual(['map']);
    expect(transition.kept).toEqual(['list', 'leaf']);
  });

  test('compares each step with the one before it', async () => {
    const { activities } = controller;
    const code = 'def map(ctx, event): return {"n": 2}';
    const from = await stored({ meta: { update: true } });
    const update = await stored({ meta: { update: true, code } });
    const scale = await stored({ meta: { update: true, code }, parallelism: 2 });
    const transition = await activities.compare(flow, {
      from: from.digest,
      steps: [
        { digest: update.digest, isRollback: false },
        { digest: scale.digest, isRollback: true },
      ],
    });
    expect(transition).toEqual({ halted: [], kept: ['list', 'map', 'leaf'], restarted: [] });
  });

  test('halts what any step halts', async () => {
    const { activities } = controller;
    const batch = { mode: 'batch', meta: { update: true } } as const;
    const from = await stored(batch);
    const scale = await stored({ ...batch, parallelism: 2 });
    const code = 'def map(ctx, event): return {"n": 2}';
    const update = await stored({ ...batch, parallelism: 2, meta: { update: true, code } });
    const steps = [scale, update].map(({ digest }) => ({ digest, isRollback: false }));
    expect((await activities.compare(flow, { from: from.digest, steps })).halted).toEqual(['map']);
  });

  test('restarts changed functions in a rollback, whatever their update settings', async () => {
    const { activities } = controller;
    const code = 'def map(ctx, event): return {"n": 2}';
    const [from, to] = [await stored({ meta: { code } }), await stored()];
    const restartedBy = async (isRollback: boolean) => {
      const steps = [{ digest: to.digest, isRollback }];
      return (await activities.compare(flow, { from: from.digest, steps })).restarted;
    };
    expect(await restartedBy(true)).toEqual(['map']);
    expect(await restartedBy(false)).toEqual([]);
  });
});

describe('rewind', () => {
  test('in a batch flow reopens every function downstream', async () => {
    const { activities, streams } = controller;
    const { plan, ...document } = await stored({ mode: 'batch' });
    await activities.prepare({ ...document, epochs: {} });
    for (const id of ['list', 'map', 'leaf']) streams.end(plan, id);
    expect(await activities.reopened(document, ['map'])).toEqual(['map', 'leaf']);
    await activities.rewind(document, [{ function: 'map', start: { from: 'first' } }]);
    expect(streams.rewinds).toEqual([{ flow: 'team/job', function: 'map', start: { from: 'first' } }]);
    expect(await streams.endedFunctions(plan)).toEqual(['list']);
  });

  test('moves the consumers of all functions', async () => {
    const { activities, streams } = controller;
    const { plan: _, ...document } = await stored();
    await activities.prepare({ ...document, epochs: {} });
    const rewinds = ['map', 'leaf'].map((id) => ({ function: id, start: { from: 'first' } as const }));
    await activities.rewind(document, rewinds);
    expect(streams.rewinds.map(({ function: id }) => id)).toEqual(['map', 'leaf']);
  });

  test('in a stream flow concerns the function alone', async () => {
    const { activities, streams } = controller;
    const { plan, ...document } = await stored();
    await activities.prepare({ ...document, epochs: {} });
    streams.end(plan, 'leaf');
    expect(await activities.reopened(document, ['map'])).toEqual(['map']);
    await activities.rewind(document, [{ function: 'map', start: { from: 'first' } }]);
    expect(await streams.endedFunctions(plan)).toEqual(['leaf']);
  });
});

describe('the removal of workloads', () => {
  test('keeps ended Jobs on request, so that their logs stay readable', async () => {
    const { activities, cluster } = controller;
    const { plan: _, ...document } = await stored({ mode: 'batch' });
    await activities.apply({ ...document, ...step });
    cluster.end(flow, 'map', 'succeeded');
    await activities.removeWorkloads(flow, { keepEnded: true });
    expect(await functions()).toEqual(['map']);
    await activities.removeWorkloads(flow, {});
    expect(await functions()).toEqual([]);
  });

  test('keeps the owner object and ends replicas at once only on request', async () => {
    const { activities, cluster } = controller;
    const prunes: unknown[] = [];
    const prune: Cluster['prune'] = async (_, keep, options) => {
      prunes.push([keep.map(({ kind, metadata }) => `${kind} ${metadata.name}`), options]);
    };
    cluster.prune = prune;
    await activities.removeWorkloads(flow, { keepOwner: true });
    await activities.removeWorkloads(flow, { now: true });
    expect(prunes).toEqual([
      [['ConfigMap job----flow'], { now: false }],
      [[], { now: true }],
    ]);
  });

  test('is followed by that of documents, streams and payloads', async () => {
    const { activities, streams, buckets, store } = controller;
    const { plan, ...document } = await stored();
    await activities.prepare({ ...document, epochs: {} });
    await activities.removeStreams(document);
    await activities.removePayloads(document);
    await activities.removeDocuments(flow);
    expect([streams.has(plan), buckets.has(plan)]).toEqual([false, false]);
    await expect(store.document(flow, document.digest)).rejects.toMatchObject({ code: 'document-missing' });
  });

  test('fails for good when the document is lost, because nobody may restore it', async () => {
    const { activities } = controller;
    const lost = { flow, digest: 'gone' };
    for (const removed of [activities.removeStreams(lost), activities.removePayloads(lost)]) {
      await expect(removed).rejects.toMatchObject({ name: 'ConfigError', code: 'document-missing' });
    }
  });
});

describe('a frozen controller whose lease has expired', () => {
  afterEach(() => jest.useRealTimers());

  test.each(['keep', 'prepare', 'apply', 'rewind', 'removeDocuments'] as const)('does not %s', async (name) => {
    const { activities, store, streams } = controller;
    const { plan, ...document } = await stored({ mode: 'batch' });
    const rewinds = [{ function: 'map', start: { from: 'first' } }] as const;
    const run = {
      keep: () => activities.keep(recordOf([document.digest]), [], []),
      prepare: () => activities.prepare({ ...document, epochs: {} }),
      apply: () => activities.apply({ ...document, ...step }),
      rewind: () => activities.rewind(document, rewinds),
      removeDocuments: () => activities.removeDocuments(flow),
    }[name];
    jest.useFakeTimers({ now: 0, doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'setTimeout'] });
    const lease = new ActivityLease();
    jest.setSystemTime(10_000);
    await expect(lease.run<unknown>(run)).rejects.toBeInstanceOf(CancelledFailure);
    expect(await store.record(flow)).toBeUndefined();
    expect([streams.has(plan), streams.rewinds, await functions()]).toEqual([false, [], []]);
  });

  test('does not prune after an apply that outlasted its lease', async () => {
    const { activities, cluster } = controller;
    const { plan: _, ...document } = await stored();
    await activities.apply({ ...document, ...step });
    jest.useFakeTimers({ now: 0, doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'setTimeout'] });
    const lease = new ActivityLease();
    const apply = cluster.apply.bind(cluster);
    cluster.apply = async (of, objects) => {
      await apply(of, objects);
      jest.setSystemTime(10_000);
    };
    const applying = lease.run(() => activities.apply({ ...document, ...step, without: ['map'] }));
    await expect(applying).rejects.toBeInstanceOf(CancelledFailure);
    expect(await functions()).toEqual(['list', 'map', 'leaf']);
  });
});
