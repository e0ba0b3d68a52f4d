import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { MemoryCluster } from '../../../../../bench/memory-cluster';
import { ConfigError, StateError, StoreError } from '../../../../../lib/errors';
import { withHeartbeats } from '../../../../../runtime/controller/flows/activities/activity-lease';
import { drainFlow } from '../../../../../runtime/controller/flows/activities/drain-flow';
import { awaitGone, awaitReady } from '../../../../../runtime/controller/flows/activities/wait-for-workloads';
import type { FlowActivities } from '../../../../../runtime/controller/flows/workflow/flow-activities';
import type { Cluster, ReplicaState, WorkloadState } from '../../../../../runtime/controller/ports/cluster';
import { type Counts, planIn, progressOf, readyWorkloads, replica, withWorkload } from '../../flow-states';

const flow = { namespace: 'default', jobId: 'job' };
const plan = planIn('stream');

/** A cluster whose workloads go from state to state, one at each look, and stay in the last. */
class ScriptedCluster extends MemoryCluster {
  looks = 0;

  constructor(private readonly states: readonly (readonly WorkloadState[])[]) {
    super();
  }

  override async workloads(): Promise<readonly WorkloadState[]> {
    return this.states[Math.min(this.looks++, this.states.length - 1)] ?? [];
  }
}

/** An activity's context; its logger would print every expected failure. */
function quietEnvironment(): MockActivityEnvironment {
  return new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR', () => undefined) });
}

/** Runs an activity as the worker does. */
function run<T>(activity: () => Promise<T>, environment = quietEnvironment()): Promise<T> {
  const { ping } = withHeartbeats({ ping: activity } as unknown as FlowActivities) as unknown as {
    ping: () => Promise<T>;
  };
  return environment.run(ping);
}

describe('an activity', () => {
  test('heartbeats while it works, and no longer', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    try {
      const environment = quietEnvironment();
      let beats = 0;
      environment.on('heartbeat', () => beats++);
      let end: () => void = () => undefined;
      const running = run(
        () =>
          new Promise<void>((resolve) => {
            end = resolve;
          }),
        environment,
      );
      await jest.advanceTimersByTimeAsync(3_500);
      expect(beats).toBe(2);
      end();
      await running;
      await jest.advanceTimersByTimeAsync(10_000);
      expect(beats).toBe(2);
    } finally {
      jest.useRealTimers();
    }
  });

  test.each([
    ['a wrong configuration', new ConfigError('config-invalid', 'no'), true],
    ['a server that does not respond', new ConfigError('server-failed', 'no'), false],
    ['a stream that is unavailable', new StoreError('stream-failed', 'no'), false],
    ['a state that passes', new StateError('state-invalid', 'no'), false],
  ])('is retried unless the error lasts: %s', async (_what, error, nonRetryable) => {
    const failure = await run(() => Promise.reject(error)).catch((cause) => cause);
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({ type: error.code, message: 'no', nonRetryable, cause: error });
  });

  test('leaves other errors to the retry policy of the workflow', async () => {
    const error = new TypeError('a fault of ours');
    await expect(run(() => Promise.reject(error))).rejects.toBe(error);
  });

  test('ends as canceled when a wait is cut short', async () => {
    const environment = quietEnvironment();
    const cluster = new ScriptedCluster([readyWorkloads(plan)]);
    const waiting = run(() => awaitGone(cluster, flow), environment);
    environment.cancel();
    await expect(waiting).rejects.toBeInstanceOf(CancelledFailure);
  });
});

describe('the wait until replicas are gone', () => {
  const none = readyWorkloads(plan).map((workload) => ({ ...workload, replicas: [] }));
  const ending = withWorkload(none, 'map', { replicas: [replica('map-0', { phase: 'ending' })] });

  test('lasts while a replica ends or the cluster may still start one', async () => {
    const settling = withWorkload(none, 'map', { isSettling: true });
    const cluster = new ScriptedCluster([ending, settling, none]);
    await awaitGone(cluster, flow);
    expect(cluster.looks).toBe(3);
  });

  test('looks at the named functions only', async () => {
    const cluster = new ScriptedCluster([ending, none]);
    await awaitGone(cluster, flow, ['list', 'sink']);
    expect(cluster.looks).toBe(1);
  });

  test('does not wait for replicas that have exited', async () => {
    const exited = withWorkload(none, 'map', { replicas: [replica('map-0', { phase: 'failed' })] });
    const cluster = new ScriptedCluster([exited]);
    await awaitGone(cluster, flow);
    expect(cluster.looks).toBe(1);
  });
});

describe('the wait until replicas are ready', () => {
  const ready = readyWorkloads(plan);
  const withMap = (...replicas: ReplicaState[]) => withWorkload(ready, 'map', { replicas, specHash: 'new' });
  const current = (name: string, changes: Partial<ReplicaState> = {}) => replica(name, { specHash: 'new', ...changes });
  const soon = () => Date.now() - 1;

  test('ends when every desired replica is', async () => {
    const cluster: Cluster = new ScriptedCluster([
      withMap(current('map-0')),
      withMap(current('map-0'), current('map-1')),
    ]);
    expect(await awaitReady(cluster, flow)).toBeUndefined();
  });

  test.each([
    ['one that is missing', withMap(current('map-0')), 'map has 1 of 2 replicas ready'],
    [
      'one of an earlier template',
      withMap(current('map-0'), current('map-1', { specHash: 'old' })),
      'map has 1 of 2 replicas ready',
    ],
    [
      'one that crashes',
      withMap(current('map-0'), current('map-1', { phase: 'waiting', reason: 'CrashLoopBackOff', message: 'exit 1' })),
      'map has 1 of 2 replicas ready (map-1: CrashLoopBackOff: exit 1)',
    ],
    [
      'a failed Job',
      withWorkload(ready, 'map', { outcome: 'failed', message: 'BackoffLimitExceeded', replicas: [] }),
      'map failed: BackoffLimitExceeded',
    ],
  ])('reports at the deadline %s', async (_what, state, reason) => {
    expect(await awaitReady(new ScriptedCluster([state]), flow, soon())).toBe(reason);
  });

  test('does not wait for the deadline once a Job has failed', async () => {
    const failed = withWorkload(ready, 'map', { outcome: 'failed', replicas: [] });
    expect(await awaitReady(new ScriptedCluster([failed]), flow, Date.now() + 3_600_000)).toBe(
      'map failed: its Job failed',
    );
  });

  test('counts Jobs that have succeeded', async () => {
    const done = withWorkload(ready, 'map', { outcome: 'succeeded', replicas: [] });
    expect(await awaitReady(new ScriptedCluster([done]), flow, soon())).toBeUndefined();
  });
});

describe('a drain', () => {
  const running = readyWorkloads(plan);
  const halted = withWorkload(running, 'list', { desired: 0, replicas: [] });
  const never = () => Date.now() + 3_600_000;

  /** Drains a flow whose progress goes from reading to reading. */
  async function drain(
    workloads: readonly (readonly WorkloadState[])[],
    readings: readonly { readonly [id: string]: Counts }[],
    deadlineMs = never(),
  ) {
    let read = 0;
    const progress = async () => progressOf(plan, readings[Math.min(read++, readings.length - 1)] ?? {});
    let flushes = 0;
    const flushBulks = async () => {
      flushes++;
    };
    const ports = { cluster: new ScriptedCluster(workloads), streams: { progress, flushBulks } };
    const left = await drainFlow(ports, plan, deadlineMs);
    expect(flushes).toBe(read - 1); // again and again, until nothing is left
    return { left, read };
  }

  test('ends after two equal readings without records, the last of them after the sources have ended', async () => {
    expect(await drain([running, halted], [{}])).toEqual({ left: undefined, read: 3 });
  });

  test('waits for the sources, even if nothing moves', async () => {
    const { read } = await drain([running, running, running, halted], [{}]);
    expect(read).toBeGreaterThan(4);
  });

  test('waits for records that are pending or held', async () => {
    const readings: { [id: string]: Counts }[] = [{ map: { pending: 3 } }, { sink: { ackPending: 1 } }, {}];
    expect(await drain([halted], readings)).toEqual({ left: undefined, read: 4 });
  });

  test('takes movement between two readings for records that one of them missed', async () => {
    const readings = [{ map: { acked: 1 } }, { map: { acked: 2 } }, { map: { acked: 2 } }];
    expect(await drain([halted], readings)).toEqual({ left: undefined, read: 3 });
  });

  test('reports at the deadline which functions hold records', async () => {
    const { left } = await drain([halted], [{ map: { pending: 3, ackPending: 1 } }], Date.now() - 1);
    expect(left).toBe('map: 3 records pending, 1 in progress');
  });

  test('does not wait for records in front of a paused function', async () => {
    const paused = withWorkload(halted, 'map', { desired: 0, replicas: [] });
    expect(await drain([paused], [{ map: { pending: 3 } }])).toEqual({ left: undefined, read: 2 });
  });
});
