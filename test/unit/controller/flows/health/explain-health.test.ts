import { explainHealth, type HealthInput } from '../../../../../runtime/controller/flows/health/explain-health';
import { HealthMemory } from '../../../../../runtime/controller/flows/health/health-memory';
import type { ReplicaState, WorkloadState } from '../../../../../runtime/controller/ports/cluster';
import { at, planIn, progressOf, readyWorkloads, replica, report, start, withWorkload } from '../../flow-states';

const plan = planIn('stream');
const ready = readyWorkloads(plan);

type View = Partial<Omit<HealthInput, 'now'>> & { readonly second?: number };

/** The health in each of several snapshots of a flow, by one memory. */
function healthsOf(...views: readonly View[]) {
  const memory = new HealthMemory();
  return views.map(({ second = 0, ...view }) =>
    explainHealth(
      {
        phase: 'Running',
        plan,
        workloads: ready,
        progress: progressOf(plan, {}),
        reports: [],
        now: start + second * 1_000,
        ...view,
      },
      memory,
    ),
  );
}

const healthOf = (view: View) => healthsOf(view)[0];
const lastOf = (...views: readonly View[]) => healthsOf(...views).at(-1);
const mapWith = (...replicas: readonly ReplicaState[]) => withWorkload(ready, 'map', { replicas });
const healthy = { state: 'healthy', problems: [] };
const starting = { state: 'starting', problems: [] };

describe('a flow is', () => {
  test('healthy when every replica is ready and no record is pending', () => {
    expect(healthOf({})).toEqual(healthy);
  });

  test.each(['Paused', 'Stopped', 'Completed', 'Canceled', 'Terminated'] as const)(
    'inactive when it is %s',
    (phase) => {
      expect(healthOf({ phase, workloads: [] })).toEqual({ state: 'inactive', problems: [] });
    },
  );

  test('inactive when it has failed, with the reason of the Job', () => {
    const workloads = withWorkload(ready, 'map', {
      kind: 'job',
      outcome: 'failed',
      message: 'BackoffLimitExceeded: retries exhausted',
    });
    expect(healthOf({ phase: 'Failed', workloads })).toEqual({
      state: 'inactive',
      problems: [
        { function: 'map', reason: 'Failed', message: 'BackoffLimitExceeded: retries exhausted', since: at(0) },
      ],
    });
  });

  test.each<[string, readonly WorkloadState[]]>([
    ['its workloads do not exist', []],
    ['replicas do not exist', mapWith(replica('map-0'))],
    ['replicas are not ready', mapWith(replica('map-0'), replica('map-1', { phase: 'starting' }))],
    [
      'images are pulled for the first time',
      mapWith(replica('map-0'), replica('map-1', { phase: 'starting', reason: 'ContainerCreating' })),
    ],
  ])('starting while %s, for two minutes', (_, workloads) => {
    const [first, , late] = healthsOf({ workloads }, { workloads, second: 119 }, { workloads, second: 120 });
    expect(first).toEqual(starting);
    expect(late?.state).toMatch(/degraded|unhealthy/);
  });

  test('healthy when a branch is paused or has ended', () => {
    const pausedPlan = planIn('stream', ', update: true, pause: true');
    const workloads = withWorkload(ready, 'map', { desired: 0, replicas: [] });
    const waiting = progressOf(plan, { map: { pending: 5 } });
    const paused = { plan: pausedPlan, workloads, progress: waiting };
    expect(lastOf(paused, { ...paused, second: 300 })).toEqual(healthy);
    expect(healthOf({ plan: pausedPlan, workloads })).toEqual(healthy);
    expect(healthOf({ workloads: ready.slice(1), idle: ['list'] })).toEqual(healthy);
  });

  test('unhealthy when somebody scales a workload to 0 and nobody restores it, degraded with too few replicas', () => {
    const none = withWorkload(ready, 'map', { desired: 0, replicas: [] });
    expect(lastOf({ workloads: none })).toEqual({ state: 'starting', problems: [] });
    const scaled = { function: 'map', reason: 'Scaled', message: expect.stringMatching(/to 0 of 2 replicas/) };
    expect(lastOf({ workloads: none }, { workloads: none, second: 60 })).toMatchObject({
      state: 'unhealthy',
      problems: [scaled],
    });
    const one = withWorkload(ready, 'map', { desired: 1, replicas: ready[1]?.replicas.slice(0, 1) ?? [] });
    expect(lastOf({ workloads: one }, { workloads: one, second: 60 })).toMatchObject({
      state: 'degraded',
      problems: [{ reason: 'Scaled' }],
    });
  });

  test('healthy while its replicas stop for a pause', () => {
    const ending = mapWith(
      replica('map-0', { phase: 'ending' }),
      replica('map-1', { phase: 'not-ready', reason: 'NotReady' }),
    );
    expect(healthOf({ phase: 'Pausing', workloads: ending })).toEqual(healthy);
  });

  test('healthy when the replicas of a Job have succeeded or are ready', () => {
    const workloads = withWorkload(ready, 'map', {
      kind: 'job',
      replicas: [replica('a', { phase: 'succeeded' }), replica('b')],
    });
    expect(healthOf({ workloads })).toEqual(healthy);
    expect(healthOf({ workloads: withWorkload(ready, 'map', { outcome: 'succeeded', replicas: [] }) })).toEqual(
      healthy,
    );
  });
});

describe('replicas', () => {
  const message = 'Back-off pulling image "kflow:9"';

  test.each<[ReplicaState['phase'], string, string]>([
    ['waiting', 'ImagePullBackOff', message],
    ['waiting', 'CrashLoopBackOff', 'exit code 1: ImportError: no module named faker'],
    ['starting', 'Unschedulable', '0/3 nodes are available: 3 Insufficient cpu'],
    ['not-ready', 'Error', 'exit code 137'],
  ])('that are %s because of %s are problems at once, with their own message', (phase, reason, said) => {
    const workloads = mapWith(replica('map-0'), replica('map-1', { phase, reason, message: said, since: at(-9) }));
    expect(healthOf({ workloads })).toEqual({
      state: 'degraded',
      problems: [{ function: 'map', replica: 'map-1', reason, message: said, since: at(-9) }],
    });
  });

  test('make the flow unhealthy when none of a function is ready', () => {
    const broken = { phase: 'waiting', reason: 'ImagePullBackOff', message } as const;
    expect(healthOf({ workloads: mapWith(replica('map-0', broken), replica('map-1', broken)) })?.state).toBe(
      'unhealthy',
    );
  });

  test('that were ready once are not starting', () => {
    const lost = mapWith(replica('map-0'), replica('map-1', { phase: 'not-ready', reason: 'NotReady', since: at(5) }));
    expect(lastOf({}, { workloads: lost, second: 6 })).toEqual({
      state: 'degraded',
      problems: [
        { function: 'map', replica: 'map-1', reason: 'NotReady', message: 'the replica is not ready', since: at(5) },
      ],
    });
  });

  test('that are recreated from another template are starting, even under the same name', () => {
    const anew = mapWith(replica('map-0'), replica('map-1', { phase: 'starting', specHash: 'b', since: at(5) }));
    const first = mapWith(replica('map-0'), replica('map-1', { specHash: 'a' }));
    expect(lastOf({ workloads: first }, { workloads: anew, second: 6 })).toEqual({ state: 'starting', problems: [] });
  });

  test('keep the reason and the time of their crash while they restart', () => {
    const crashed = { phase: 'waiting', reason: 'CrashLoopBackOff', message: 'exit code 1', restarts: 3 } as const;
    const inPhase = (state: Partial<ReplicaState>) => ({
      workloads: mapWith(replica('map-0'), replica('map-1', state)),
    });
    const again = inPhase({ phase: 'starting', restarts: 4, since: at(20) });
    const [first, second, third] = healthsOf(
      { ...inPhase({ ...crashed, since: at(10) }), second: 10 },
      { ...again, second: 20 },
      { ...inPhase({ restarts: 4, since: at(22) }), second: 25 },
    );
    const problem = {
      function: 'map',
      replica: 'map-1',
      reason: 'CrashLoopBackOff',
      message: 'exit code 1',
      since: at(10),
    };
    expect(first).toEqual({ state: 'degraded', problems: [problem] });
    expect(second).toEqual(first);
    expect(third).toEqual(healthy);
  });

  test('keep the reason of their crash until they are ready and a record is acked', () => {
    const workloadsOf = plan.workloads.map((each) => ({ ...each, replicas: 1 }));
    const single = { plan: { ...plan, workloads: workloadsOf } };
    const held = (acked: number) => progressOf(plan, { map: { ackPending: 2, acked } });
    const inPhase = (state: Partial<ReplicaState>) => ({
      ...single,
      workloads: withWorkload(ready, 'map', { desired: 1, replicas: [replica('map-0', state)] }),
    });
    const crashed = { phase: 'waiting', reason: 'CrashLoopBackOff', message: 'exit 3', since: at(10) } as const;
    const [, second, third, fourth] = healthsOf(
      { ...inPhase({}), progress: held(5) },
      { ...inPhase(crashed), progress: held(5), second: 10 },
      { ...inPhase({ restarts: 1, since: at(11) }), progress: held(5), second: 20 },
      { ...inPhase({ restarts: 1, since: at(11) }), progress: held(6), second: 25 },
    );
    expect(second).toMatchObject({ state: 'unhealthy', problems: [{ replica: 'map-0', message: 'exit 3' }] });
    expect(third).toEqual(second);
    expect(fourth).toEqual(healthy);
  });

  test('that cannot be created are a problem with the message of the cluster', () => {
    const workloads = withWorkload(ready, 'map', { replicas: [replica('map-0')], message: 'exceeded quota: pods' });
    expect(healthOf({ workloads })).toEqual({
      state: 'degraded',
      problems: [{ function: 'map', reason: 'FailedCreate', message: 'exceeded quota: pods', since: at(0) }],
    });
  });

  test('that are missing for two minutes are a problem', () => {
    const workloads = mapWith(replica('map-0'));
    expect(lastOf({ workloads }, { workloads, second: 130 })).toEqual({
      state: 'degraded',
      problems: [{ function: 'map', reason: 'TooFewReplicas', message: '1 of 2 replicas exists', since: at(0) }],
    });
  });

  test('of a Job that failed are a problem until others replace them', () => {
    const failed = replica('map-0-x', { phase: 'failed', reason: 'Error', message: 'exit code 1' });
    const job = (...replicas: readonly ReplicaState[]) => withWorkload(ready, 'map', { kind: 'job', replicas });
    expect(healthOf({ workloads: job(failed, replica('map-1-a')) })).toEqual({
      state: 'degraded',
      problems: [{ function: 'map', replica: 'map-0-x', reason: 'Error', message: 'exit code 1', since: at(0) }],
    });
    expect(healthOf({ workloads: job(failed, replica('map-1-a'), replica('map-0-y')) })).toEqual(healthy);
  });
});

describe('records', () => {
  const waiting = progressOf(plan, { map: { pending: 3, ackPending: 0, acked: 7 } });

  test('that no ready replica acks for a minute are stalled', () => {
    const views = [0, 30, 59, 60, 61].map((second) => ({ progress: waiting, second }));
    const seen = healthsOf(...views);
    expect(seen.slice(0, 3)).toEqual([healthy, healthy, healthy]);
    const stalled = {
      state: 'unhealthy',
      problems: [
        { function: 'map', reason: 'Stalled', message: '3 records are pending, and none was acked', since: at(0) },
      ],
    };
    expect(seen.slice(3)).toEqual([stalled, stalled]);
  });

  test('that a replica holds may take as long as the document allows', () => {
    const held = progressOf(plan, { map: { ackPending: 1, acked: 7 } });
    const [, early, late] = healthsOf(
      { progress: held },
      { progress: held, second: 119 },
      { progress: held, second: 120 },
    );
    expect(early).toEqual(healthy);
    expect(late?.problems.map(({ message }) => message)).toEqual(['1 record is pending, and none was acked']);
  });

  test('are not stalled if some are acked or no replica is ready', () => {
    const moved = progressOf(plan, { map: { pending: 3, acked: 8 } });
    expect(lastOf({ progress: waiting }, { progress: moved, second: 61 })).toEqual(healthy);
    const workloads = withWorkload(ready, 'map', {
      replicas: ['map-0', 'map-1'].map((name) => replica(name, { phase: 'waiting', reason: 'ImagePullBackOff' })),
    });
    const reasons = lastOf({ progress: waiting, workloads }, { progress: waiting, workloads, second: 61 })?.problems;
    expect(reasons?.map(({ reason }) => reason)).toEqual(['ImagePullBackOff', 'ImagePullBackOff']);
  });

  test('that fail repeatedly are poison records, with the last error', () => {
    const held = progressOf(plan, { map: { ackPending: 1, acked: 7 } });
    const tries = (failed: number) => [report('map', { replica: 1, failed, lastFailure: 'KeyError:\n  "url"' })];
    const [, once, twice, solved] = healthsOf(
      { progress: held, reports: tries(4) },
      { progress: held, reports: tries(5), second: 2 },
      { progress: held, reports: tries(6), second: 4 },
      { progress: progressOf(plan, { map: { acked: 8 } }), reports: tries(6), second: 6 },
    );
    expect(once).toEqual(healthy);
    expect(twice).toEqual({
      state: 'unhealthy',
      problems: [
        {
          function: 'map',
          replica: 'map-1',
          reason: 'PoisonRecord',
          message: 'a record fails repeatedly: KeyError: "url"',
          since: at(4),
        },
      ],
    });
    expect(solved).toEqual(healthy);
  });

  test('that fail while others are acked are not poison records', () => {
    const step = (acked: number) => ({
      progress: progressOf(plan, { map: { pending: 9, acked } }),
      reports: [report('map', { failed: acked })],
      second: acked,
    });
    expect(lastOf(step(1), step(2), step(3), step(4))).toEqual(healthy);
  });

  test('that fill a stream cause back pressure, and the slowest reader is named', () => {
    const full = (pending: number, usage: number) =>
      progressOf(plan, { map: { messages: 1_000, usage }, sink: { pending, ackPending: 10, acked: 1 } });
    expect(healthOf({ progress: full(980, 0.993) })).toEqual({
      state: 'degraded',
      problems: [
        {
          function: 'map',
          reason: 'BackPressure',
          message:
            'waiting for "sink", which has 990 unacked records in kflow_default_job_map; the stream is 99 % full',
          since: at(0),
        },
      ],
    });
    expect(healthOf({ progress: full(980, 0.95) })).toEqual(healthy);
    // most of it was read: it is about to be trimmed
    expect(healthOf({ progress: full(400, 0.99) })).toEqual(healthy);
  });

  test('that wait because the next stream is full are not stalled', () => {
    const progress = progressOf(plan, {
      map: { pending: 50, acked: 1_000, messages: 1_000, usage: 1 },
      sink: { pending: 1_000, acked: 0 },
    });
    const problems = lastOf({ progress }, { progress, second: 61 })?.problems.map(({ function: id, reason }) => [
      id,
      reason,
    ]);
    expect(problems).toEqual([
      ['map', 'BackPressure'],
      ['sink', 'Stalled'],
    ]);
  });

  test('in the dead letters degrade the flow, even if their function has ended', () => {
    const progress = progressOf(plan, { map: { dead: 2 }, sink: { dead: 1 } });
    expect(healthOf({ progress, idle: ['sink'] })).toEqual({
      state: 'degraded',
      problems: [
        {
          function: 'map',
          reason: 'DeadLetters',
          message: '2 records were sent to the dead letters',
          since: at(0),
        },
        {
          function: 'sink',
          reason: 'DeadLetters',
          message: '1 record was sent to the dead letters',
          since: at(0),
        },
      ],
    });
  });
});

test('a problem that recurs has a new time', () => {
  const dead = { progress: progressOf(plan, { map: { dead: 2 } }) };
  const sinces = healthsOf({ ...dead, second: 1 }, { ...dead, second: 2 }, { second: 3 }, { ...dead, second: 4 }).map(
    ({ problems }) => problems[0]?.since,
  );
  expect(sinces).toEqual([at(1), at(1), undefined, at(4)]);
});

test.each(['Running', 'Pausing', 'Stopping'] as const)(
  'a replica that is still there after its grace period is a problem of a flow that is %s',
  (phase) => {
    const lost = replica('map-9', { phase: 'ending', since: at(0), deadline: at(30) });
    const workloads = mapWith(replica('map-0'), replica('map-1'), lost);
    expect(healthOf({ phase, workloads, second: 35 })).toEqual(healthy);
    expect(healthOf({ phase, workloads, second: 41 })).toEqual({
      state: 'degraded',
      problems: [
        {
          function: 'map',
          replica: 'map-9',
          reason: 'Terminating',
          message: expect.stringMatching(/^still terminating after its grace period: .*; delete the pod by force/),
          since: at(30),
        },
      ],
    });
  },
);

test('a lost replica tells that its node does not report', () => {
  const why = { reason: 'NodeNotReady', message: 'node worker-1 does not report' };
  const lost = replica('map-9', { phase: 'ending', since: at(0), deadline: at(30), ...why });
  const health = healthOf({ workloads: mapWith(replica('map-0'), replica('map-1'), lost), second: 60 });
  expect(health?.problems).toMatchObject([
    { reason: 'NodeNotReady', message: expect.stringContaining('node worker-1 does not report; delete the pod') },
  ]);
});
