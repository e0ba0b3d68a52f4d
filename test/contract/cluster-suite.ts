import { crashLine, type ReplicaBehavior } from '../../bench/memory-cluster';
import { type FlowKey, flowName } from '../../runtime/api-contract/flow-key';
import type { Cluster, ReplicaState, WorkloadState } from '../../runtime/controller/ports/cluster';
import { waitFor } from '../support/wait-for';
import { type ClusterWorkload, renderClusterWorkload } from './cluster-workload';

/** A cluster under test, and control over its replicas, which serve until `behave` says otherwise. */
export interface ClusterPlace {
  readonly cluster: Cluster;
  readonly namespace: string;
  /** Applies to running and future replicas. */
  behave(flow: FlowKey, functionId: string, how: ReplicaBehavior): Promise<void>;
  close(): Promise<void>;
}

export interface ClusterSuiteOptions {
  /** No logs are available, as without a kubelet. */
  readonly withoutLogs?: true;
}

const kinds = ['deployment', 'statefulset', 'job'] as const;

/** Tests that every `Cluster` passes. Each test has its own flow. */
export function describeCluster(
  name: string,
  open: () => Promise<ClusterPlace>,
  options: ClusterSuiteOptions = {},
): void {
  describe(name, () => {
    let place: ClusterPlace;
    let count = 0;
    beforeAll(async () => {
      place = await open();
    });
    afterAll(() => place?.close());

    const newFlow = () => new TriedFlow(place, `flow-${++count}`);
    describeScaling(newFlow);
    describeChanges(newFlow);
    describeEnds(newFlow);
    describePruning(newFlow);
    describeWatching(newFlow, () => place.cluster);
    if (options.withoutLogs !== true) describeLogs(newFlow, () => place.cluster);
  });
}

/** The flow of one test. */
class TriedFlow {
  readonly key: FlowKey;

  constructor(
    private readonly place: ClusterPlace,
    jobId: string,
  ) {
    this.key = { namespace: place.namespace, jobId };
  }

  manifests(...workloads: readonly ClusterWorkload[]) {
    return workloads.flatMap((workload) => renderClusterWorkload(this.key, workload));
  }

  apply(...workloads: readonly ClusterWorkload[]): Promise<void> {
    return this.place.cluster.apply(this.key, this.manifests(...workloads));
  }

  prune(...keep: readonly ClusterWorkload[]): Promise<void> {
    return this.place.cluster.prune(this.key, this.manifests(...keep));
  }

  behave(functionId: string, how: ReplicaBehavior): Promise<void> {
    return this.place.behave(this.key, functionId, how);
  }

  workloads(): Promise<readonly WorkloadState[]> {
    return this.place.cluster.workloads(this.key);
  }

  /** Waits until the state of a function's workload meets a condition. */
  state(functionId: string, holds: (state: WorkloadState) => boolean): Promise<WorkloadState> {
    return waitFor(
      `the workload of ${functionId}`,
      async () => (await this.workloads()).find((state) => state.function === functionId),
      (state): state is WorkloadState => state !== undefined && holds(state),
    );
  }

  /** Waits until exactly this many replicas exist and are ready. */
  ready(functionId: string, replicas: number): Promise<WorkloadState> {
    return this.state(functionId, (state) => areReady(state, replicas));
  }
}

type NewFlow = () => TriedFlow;

function areReady({ replicas, isSettling }: WorkloadState, count: number): boolean {
  return !isSettling && replicas.length === count && replicas.every(({ phase }) => phase === 'ready');
}

function describeScaling(newFlow: NewFlow): void {
  it.each(kinds)('starts the replicas of a %s, which become ready', async (kind) => {
    const flow = newFlow();
    const begunMs = Date.now();
    await flow.apply({ kind, function: 'fn', replicas: 2 });
    const state = await flow.ready('fn', 2);
    const name = `${flow.key.jobId}--fn`;
    expect(state).toMatchObject({ function: 'fn', name, kind, desired: 2, specHash: 'one' });
    expect(state.outcome).toBeUndefined();
    expect(new Set(state.replicas.map((replica) => replica.name)).size).toBe(2);
    for (const replica of state.replicas) {
      expect(replica).toMatchObject({ phase: 'ready', restarts: 0, specHash: 'one' });
      expect(Date.parse(replica.since)).toBeGreaterThan(begunMs - 1_000); // Kubernetes has whole seconds
    }
  });

  it.each(kinds)('applying a %s again changes nothing', async (kind) => {
    const flow = newFlow();
    const workload = { kind, function: 'fn', replicas: 1 };
    await flow.apply(workload);
    const before = await flow.ready('fn', 1);
    await flow.apply(workload);
    await flow.apply(workload, { kind: 'deployment', function: 'later', replicas: 1 });
    await flow.ready('later', 1);
    expect(await flow.ready('fn', 1)).toEqual(before);
  });

  it.each(['deployment', 'statefulset'] as const)('scales a %s up and down', async (kind) => {
    const flow = newFlow();
    await flow.apply({ kind, function: 'fn', replicas: 1 });
    const [first] = (await flow.ready('fn', 1)).replicas;
    await flow.apply({ kind, function: 'fn', replicas: 3 });
    expect((await flow.ready('fn', 3)).replicas).toContainEqual(first);
    await flow.apply({ kind, function: 'fn', replicas: 2 });
    expect(await flow.ready('fn', 2)).toMatchObject({ desired: 2 });
  });

  it.each(kinds)('stops the replicas of a paused %s, and starts them again', async (kind) => {
    const flow = newFlow();
    await flow.apply({ kind, function: 'fn', replicas: 2 });
    await flow.ready('fn', 2);
    await flow.apply({ kind, function: 'fn', replicas: 2, isPaused: true });
    const paused = await flow.ready('fn', 0);
    expect(paused).toMatchObject({ desired: 0 });
    expect(paused.outcome).toBeUndefined();
    await flow.apply({ kind, function: 'fn', replicas: 2 });
    expect(await flow.ready('fn', 2)).toMatchObject({ desired: 2 });
  });
}

function describeChanges(newFlow: NewFlow): void {
  it.each(kinds)('replaces the replicas of a %s whose template has changed', async (kind) => {
    const flow = newFlow();
    await flow.apply({ kind, function: 'fn', replicas: 2, hash: 'one' });
    await flow.ready('fn', 2);
    await flow.apply({ kind, function: 'fn', replicas: 2, hash: 'two' });
    const isNew = ({ specHash }: ReplicaState) => specHash === 'two';
    const changed = await flow.state('fn', (state) => areReady(state, 2) && state.replicas.every(isNew));
    expect(changed).toMatchObject({ desired: 2, specHash: 'two' });
  });

  it('leaves replicas alone when only their ConfigMap has changed', async () => {
    const flow = newFlow();
    await flow.apply({ kind: 'deployment', function: 'fn', replicas: 1, note: 'first' });
    const [first] = (await flow.ready('fn', 1)).replicas;
    await flow.apply({ kind: 'deployment', function: 'fn', replicas: 2, note: 'second' });
    expect((await flow.ready('fn', 2)).replicas).toContainEqual(first);
  });

  it('recreates a changed Job that had ended', async () => {
    const flow = newFlow();
    await flow.behave('fn', 'end');
    await flow.apply({ kind: 'job', function: 'fn', replicas: 1, hash: 'one' });
    await flow.state('fn', ({ outcome }) => outcome === 'succeeded');
    await flow.behave('fn', 'serve');
    await flow.apply({ kind: 'job', function: 'fn', replicas: 2, hash: 'two' });
    const state = await flow.ready('fn', 2);
    expect(state).toMatchObject({ desired: 2, specHash: 'two' });
    expect(state.outcome).toBeUndefined();
  });
}

function describeEnds(newFlow: NewFlow): void {
  it('reports a Job as succeeded when all of its replicas have exited with 0', async () => {
    const flow = newFlow();
    await flow.apply({ kind: 'job', function: 'fn', replicas: 2 });
    await flow.ready('fn', 2);
    await flow.behave('fn', 'end');
    const state = await flow.state('fn', ({ outcome }) => outcome !== undefined);
    expect(state.outcome).toBe('succeeded');
    expect(state.replicas.map(({ phase }) => phase)).toEqual(['succeeded', 'succeeded']);
  });

  it('reports a misconfigured Job as failed, with the reason', async () => {
    const flow = newFlow();
    await flow.behave('fn', 'refuse');
    await flow.apply({ kind: 'job', function: 'fn', replicas: 1 });
    const state = await flow.state('fn', ({ outcome }) => outcome !== undefined);
    expect(state).toMatchObject({ outcome: 'failed', message: expect.stringMatching(/78/) });
  });

  it('restarts a crashing replica and shows its last error', async () => {
    const flow = newFlow();
    await flow.behave('fn', 'crash');
    await flow.apply({ kind: 'deployment', function: 'fn', replicas: 1 });
    const crashing = await flow.state('fn', ({ replicas }) => replicas.some(({ phase }) => phase === 'waiting'));
    expect(crashing.replicas).toEqual([
      expect.objectContaining({
        phase: 'waiting',
        reason: 'CrashLoopBackOff',
        message: expect.stringContaining(crashLine),
      }),
    ]);
    await flow.behave('fn', 'serve');
    const [mended] = (await flow.ready('fn', 1)).replicas;
    expect(mended?.restarts).toBeGreaterThan(0);
  });
}

function describePruning(newFlow: NewFlow): void {
  it('prunes the objects that are not listed, and none of another flow', async () => {
    const [flow, other] = [newFlow(), newFlow()];
    const kept: ClusterWorkload = { kind: 'deployment', function: 'kept', replicas: 1 };
    await flow.apply(kept, ...kinds.map((kind) => ({ kind, function: `a-${kind}`, replicas: 1 })));
    await other.apply(kept);
    const before = [await flow.ready('kept', 1), await other.ready('kept', 1)];
    await flow.prune(kept);
    await waitFor(
      'the other workloads to be gone',
      () => flow.workloads(),
      (states) => states.length === 1,
    );
    expect([...(await flow.workloads()), ...(await other.workloads())]).toEqual(before);
    await flow.prune();
    await flow.prune();
    await waitFor(
      'all workloads to be gone',
      () => flow.workloads(),
      (states) => states.length === 0,
    );
    expect(await other.workloads()).toEqual(before.slice(1));
  });
}

function describeWatching(newFlow: NewFlow, cluster: () => Cluster): void {
  it('reports every flow at the start, and then every change', async () => {
    const [flow, other] = [newFlow(), newFlow()];
    const workload: ClusterWorkload = { kind: 'deployment', function: 'fn', replicas: 1 };
    // The other flow has settled by the time this one is ready.
    await other.apply(workload);
    await other.ready('fn', 1);
    await flow.apply(workload);
    await flow.ready('fn', 1);
    let changed: string[] = [];
    const watch = await cluster().watch((key) => changed.push(flowName(key)));
    const isReported = (of: TriedFlow) =>
      waitFor(
        `the watch to report ${flowName(of.key)}`,
        () => changed,
        (names) => names.includes(flowName(of.key)),
      );
    try {
      await isReported(flow);
      await isReported(other);
      changed = [];
      await flow.behave('fn', 'crash');
      await isReported(flow);
      expect(changed).not.toContain(flowName(other.key));
      await other.prune();
      await isReported(other);
    } finally {
      await watch.close();
    }
  });
}

function describeLogs(newFlow: NewFlow, cluster: () => Cluster): void {
  it('returns the log lines of replicas, and follows them until the replicas are gone', async () => {
    const flow = newFlow();
    const workload: ClusterWorkload = { kind: 'deployment', function: 'fn', replicas: 2 };
    await flow.apply(workload);
    const [first] = (await flow.ready('fn', 2)).replicas;
    const one = { ...flow.key, function: 'fn', replica: first?.name ?? '' };
    expect(await linesOf(cluster().logs(one))).not.toEqual([]);
    const all = await linesOf(cluster().logs({ ...flow.key, function: 'fn' }, { tailLines: 1 }));
    expect(all).toHaveLength(2);
    const followed = linesOf(cluster().logs(one, { follow: true }));
    await flow.apply({ ...workload, isPaused: true });
    await flow.ready('fn', 0);
    expect((await followed).length).toBeGreaterThan(0);
  });

  it('stops following a log when the signal is aborted', async () => {
    const flow = newFlow();
    await flow.apply({ kind: 'deployment', function: 'fn', replicas: 1 });
    await flow.ready('fn', 1);
    const stop = new AbortController();
    const lines: string[] = [];
    for await (const line of cluster().logs({ ...flow.key, function: 'fn' }, { follow: true, signal: stop.signal })) {
      lines.push(line);
      stop.abort();
    }
    expect(lines.length).toBeGreaterThan(0);
  });
}

async function linesOf(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}
