import { podPart, type Workload, workloadPart } from '../../../../runtime/adapters/kubernetes/flow-part';
import type { Pod } from '../../../../runtime/adapters/kubernetes/pod';
import { replicaState } from '../../../../runtime/adapters/kubernetes/pod-replica';
import { workloadStates } from '../../../../runtime/adapters/kubernetes/workload-states';

const flow = { namespace: 'team', jobId: 'jobx' };
const labels = { 'kflow.io/job': 'jobx', 'kflow.io/function': 'fn' };
const at = (seconds: number) => `2026-01-01T00:00:${String(seconds).padStart(2, '0')}Z`;

interface PodTraits {
  readonly name?: string;
  readonly owner?: { readonly kind: string; readonly uid: string };
  readonly createdAt?: number;
  readonly index?: number;
  readonly metadata?: object;
}

function podOf(status: Pod['status'], traits: PodTraits = {}): Pod {
  const { name = 'pod', owner = { kind: 'ReplicaSet', uid: 'set' }, createdAt = 0, index, metadata } = traits;
  const ownerReferences = [{ ...owner, apiVersion: 'v1', name: 'owner', controller: true }];
  const annotations = {
    'kflow.io/spec-hash': 'one',
    ...(index === undefined ? {} : { 'batch.kubernetes.io/job-completion-index': String(index) }),
  };
  const own = { name, namespace: 'team', uid: name, labels, annotations, ownerReferences };
  const creationTimestamp = at(createdAt);
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...own, creationTimestamp, ...metadata }, status };
}

const container = { name: 'function', ready: false, started: false, restartCount: 0 };
const ready = (status: 'True' | 'False', seconds: number, message?: string) =>
  ({ type: 'Ready', status, lastTransitionTime: at(seconds), message }) as const;

/** A pod whose node stopped to report while its containers were ready. */
const silent: Pod = {
  ...podOf({
    phase: 'Running',
    conditions: [ready('False', 7), { type: 'ContainersReady', status: 'True' }],
    containerStatuses: [{ ...container, ready: true, started: true, state: { running: { startedAt: at(3) } } }],
  }),
  spec: { nodeName: 'worker-1' },
};

describe('a replica', () => {
  const terminated = {
    exitCode: 1,
    reason: 'Error',
    message: 'Traceback\n  line 1\nValueError: no\n',
    finishedAt: at(9),
  };

  it.each<[string, Pod, object]>([
    ['is starting while its image is pulled', podOf({ phase: 'Pending' }), { phase: 'starting', since: at(0) }],
    [
      'is starting until its startup probe has passed',
      podOf({ phase: 'Running', containerStatuses: [{ ...container, state: { running: { startedAt: at(3) } } }] }),
      { phase: 'starting', since: at(3) },
    ],
    [
      'is ready since its condition says so',
      podOf({
        phase: 'Running',
        conditions: [ready('True', 5)],
        containerStatuses: [{ ...container, restartCount: 2 }],
      }),
      { phase: 'ready', since: at(5), restarts: 2 },
    ],
    [
      'is not ready when it was and its probe fails',
      podOf({
        phase: 'Running',
        conditions: [ready('False', 6, 'containers with unready status: [function]')],
        containerStatuses: [{ ...container, started: true, state: { running: { startedAt: at(3) } } }],
      }),
      { phase: 'not-ready', reason: 'NotReady', message: 'containers with unready status: [function]', since: at(6) },
    ],
    [
      'waits for a node',
      podOf({
        phase: 'Pending',
        conditions: [
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'Unschedulable',
            message: '0/3 nodes are available:\n3 Insufficient memory.',
            lastTransitionTime: at(1),
          },
        ],
      }),
      {
        phase: 'waiting',
        reason: 'Unschedulable',
        message: '0/3 nodes are available: 3 Insufficient memory.',
        since: at(1),
      },
    ],
    [
      'waits after a crash, of which the last line is told',
      podOf({
        phase: 'Running',
        conditions: [ready('False', 2)],
        containerStatuses: [
          {
            ...container,
            restartCount: 4,
            state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s' } },
            lastState: { terminated },
          },
        ],
      }),
      {
        phase: 'waiting',
        reason: 'CrashLoopBackOff',
        message: 'ValueError: no (exit code 1)',
        restarts: 4,
        since: at(2),
      },
    ],
    [
      'waits for its sidecar',
      podOf({
        phase: 'Pending',
        initContainerStatuses: [{ ...container, name: 'side', state: { waiting: { reason: 'ErrImagePull' } } }],
        containerStatuses: [{ ...container, state: { waiting: { reason: 'PodInitializing' } } }],
      }),
      { phase: 'waiting', reason: 'ErrImagePull', message: 'container side' },
    ],
    [
      'has failed for want of memory',
      podOf({
        phase: 'Failed',
        containerStatuses: [
          { ...container, state: { terminated: { exitCode: 137, reason: 'OOMKilled', finishedAt: at(8) } } },
        ],
      }),
      { phase: 'failed', reason: 'OOMKilled', message: 'exit code 137', since: at(8) },
    ],
    [
      'has failed with its pod',
      podOf({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory. ' }),
      { phase: 'failed', reason: 'Evicted', message: 'The node was low on resource: memory.' },
    ],
    [
      'is ending since it was told to stop',
      podOf({ phase: 'Running' }, { metadata: { deletionTimestamp: at(40), deletionGracePeriodSeconds: 30 } }),
      { phase: 'ending', since: at(10), deadline: at(40) },
    ],
    [
      'does not report when its node does not',
      silent,
      {
        phase: 'not-ready',
        reason: 'NodeNotReady',
        message: 'node worker-1 does not report; the replica may still run there',
        since: at(7),
      },
    ],
    [
      'is ending on a node that does not report',
      { ...silent, metadata: { ...silent.metadata, deletionTimestamp: at(40), deletionGracePeriodSeconds: 30 } },
      {
        phase: 'ending',
        reason: 'NodeNotReady',
        message: 'node worker-1 does not report; the replica may still run there',
        since: at(10),
        deadline: at(40),
      },
    ],
    [
      'is unknown when its pod is',
      podOf({ phase: 'Unknown', reason: 'NodeLost', message: 'Node worker-1 which was running pod is unresponsive' }),
      { phase: 'not-ready', reason: 'NodeLost', message: 'Node worker-1 which was running pod is unresponsive' },
    ],
    [
      'has succeeded when its function has, while the sidecar is being stopped',
      {
        ...podOf({
          phase: 'Running',
          conditions: [ready('False', 9), { type: 'ContainersReady', status: 'False' }],
          initContainerStatuses: [{ ...container, name: 'side', started: true, state: { terminated } }],
          containerStatuses: [{ ...container, state: { terminated: { exitCode: 0, finishedAt: at(8) } } }],
        }),
        spec: { restartPolicy: 'Never' },
      },
      { phase: 'succeeded', since: at(8) },
    ],
    [
      'waits for its restart when a function that must not end has ended well',
      podOf({
        phase: 'Running',
        conditions: [ready('False', 9)],
        containerStatuses: [{ ...container, state: { terminated: { exitCode: 0, reason: 'Completed' } } }],
      }),
      { phase: 'waiting', reason: 'Completed', message: 'exit code 0', since: at(9) },
    ],
    [
      'waits after it used too much memory',
      podOf({
        phase: 'Running',
        containerStatuses: [
          {
            ...container,
            restartCount: 1,
            state: { waiting: { reason: 'CrashLoopBackOff' } },
            lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
          },
        ],
      }),
      { phase: 'waiting', reason: 'CrashLoopBackOff', message: 'OOMKilled: exit code 137', restarts: 1 },
    ],
    ...(['CreateContainerConfigError', 'InvalidImageName', 'CreateContainerError', 'RunContainerError'] as const).map(
      (reason): [string, Pod, object] => [
        `waits for the correction of ${reason}`,
        podOf({
          phase: 'Pending',
          containerStatuses: [{ ...container, state: { waiting: { reason, message: 'secret "s3" not found' } } }],
        }),
        { phase: 'waiting', reason, message: 'secret "s3" not found' },
      ],
    ),
    [
      'has failed by the function, not by the sidecar that was stopped after it',
      podOf({
        phase: 'Failed',
        initContainerStatuses: [
          { ...container, name: 'side', state: { terminated: { exitCode: 143, finishedAt: at(9) } } },
        ],
        containerStatuses: [{ ...container, state: { terminated: { ...terminated, finishedAt: at(8) } } }],
      }),
      { phase: 'failed', reason: 'Error', message: 'ValueError: no (exit code 1)', since: at(9) },
    ],
    [
      'has failed for a pod of higher priority',
      podOf({
        phase: 'Failed',
        conditions: [
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'PreemptionByScheduler',
            message: 'default-scheduler: preempting to accommodate a higher priority pod',
          },
        ],
        containerStatuses: [{ ...container, state: { terminated: { exitCode: 143, finishedAt: at(8) } } }],
      }),
      {
        phase: 'failed',
        reason: 'PreemptionByScheduler',
        message: 'default-scheduler: preempting to accommodate a higher priority pod',
        since: at(8),
      },
    ],
    ...(['DeadlineExceeded', 'NodeShutdown', 'OutOfcpu', 'UnexpectedAdmissionError'] as const).map(
      (reason): [string, Pod, object] => [
        `has failed with its pod by ${reason}`,
        podOf({ phase: 'Failed', reason, message: 'so it was' }),
        { phase: 'failed', reason, message: 'so it was' },
      ],
    ),
  ])('%s', (_, pod, expected) => {
    expect(replicaState(pod)).toEqual({ name: 'pod', restarts: 0, since: at(0), specHash: 'one', ...expected });
  });
});

describe('a workload', () => {
  const workload = (kind: 'Deployment' | 'Job', uid: string, more: Partial<Workload>): Workload => ({
    apiVersion: 'v1',
    kind,
    metadata: { name: 'jobx--fn', namespace: 'team', uid, labels, generation: 1 },
    spec: { replicas: 1, parallelism: 1, template: {} },
    ...more,
  });
  const states = (of: readonly Workload[], pods: readonly Pod[]) =>
    workloadStates(
      flow,
      of.flatMap((each) => workloadPart(each) ?? []),
      pods.flatMap((pod) => podPart(pod) ?? []),
    );
  const ofJob = { owner: { kind: 'Job', uid: 'job' }, index: 0 };
  const failed = podOf({ phase: 'Failed' }, { ...ofJob, name: 'first', createdAt: 1 });

  it('counts a failed pod of a Job as a restart of the one in its place', () => {
    const next = podOf({ phase: 'Running', conditions: [ready('True', 3)] }, { ...ofJob, name: 'next', createdAt: 2 });
    const other = podOf({ phase: 'Pending' }, { ...ofJob, index: 1, name: 'other', createdAt: 2 });
    const [state] = states([workload('Job', 'job', {})], [failed, next, other]);
    expect(state?.replicas.map(({ name, phase, restarts }) => [name, phase, restarts])).toEqual([
      ['next', 'ready', 1],
      ['other', 'starting', 0],
    ]);
  });

  it('tells a failed pod of a Job as waiting, failed at the end, and not at all while it is paused', () => {
    const phases = (more: Partial<Workload>) =>
      states([workload('Job', 'job', more)], [failed])[0]?.replicas.map(({ phase }) => phase);
    expect(phases({})).toEqual(['waiting']);
    expect(phases({ status: { conditions: [{ type: 'Failed', status: 'True' }] } })).toEqual(['failed']);
    expect(phases({ spec: { suspend: true, parallelism: 1, template: {} } })).toEqual([]);
  });

  it('tells why a Job has failed with what its last failed pod has said', () => {
    const terminated = { exitCode: 78, message: 'no such topic', finishedAt: at(3) };
    const status = { phase: 'Failed', containerStatuses: [{ ...container, state: { terminated } }] } as const;
    const last = podOf(status, { ...ofJob, name: 'last', createdAt: 2 });
    const failure = { type: 'Failed', status: 'True', reason: 'PodFailurePolicy', message: 'a rule' } as const;
    const [state] = states([workload('Job', 'job', { status: { conditions: [failure] } })], [failed, last]);
    expect(state?.message).toBe('last: no such topic (exit code 78); PodFailurePolicy: a rule');
  });

  it('leaves out pods that a Deployment has replaced, and those of a Job before it', () => {
    const evicted = podOf({ phase: 'Failed', reason: 'Evicted' });
    expect(states([workload('Deployment', 'd', {})], [evicted])[0]?.replicas).toEqual([]);
    expect(states([workload('Job', 'new', {})], [failed])[0]?.replicas).toEqual([]);
  });

  it('is settling until its controller has seen the change and its pods are seen', () => {
    const isSettling = (status: Workload['status']) =>
      states([workload('Deployment', 'd', { status })], [podOf({ phase: 'Running' })])[0]?.isSettling;
    expect(isSettling({})).toBe(true);
    expect(isSettling({ observedGeneration: 1, replicas: 2 })).toBe(true);
    expect(isSettling({ observedGeneration: 1, replicas: 1 })).toBeUndefined();
  });

  it.each([
    ['kubectl-set', 9, {}, 'kubectl-set'],
    ['kubectl-set', 5, {}, undefined],
    ['kubectl-set', 5, { 'f:spec': { 'f:template': {} } }, 'kubectl-set'],
    ['kubectl-set', 4, { 'f:spec': { 'f:template': {} } }, undefined],
    ['kube-controller-manager', 9, { 'f:spec': {} }, undefined],
  ])('was changed last by %s in second %i with the fields %j: %s', (manager, second, fieldsV1, changedBy) => {
    const managedFields = [
      { manager, time: at(second), fieldsV1 },
      { manager: 'kflow', time: at(5), fieldsV1: { 'f:spec': {} } },
      { manager: 'somebody', time: at(20), subresource: 'status' },
    ];
    const metadata = { ...workload('Deployment', 'd', {}).metadata, managedFields };
    const [state] = states([workload('Deployment', 'd', { metadata })], []);
    expect([state?.generation, state?.changedBy]).toEqual([1, changedBy]);
  });

  it('is told while there are pods of it, though it is gone itself', () => {
    const ending = podOf({ phase: 'Running' }, { metadata: { deletionTimestamp: at(30) } });
    expect(states([], [ending, failed])).toEqual([
      {
        function: 'fn',
        name: 'jobx--fn',
        kind: 'deployment',
        desired: 0,
        replicas: [expect.objectContaining({ phase: 'ending' })],
      },
    ]);
  });
});
