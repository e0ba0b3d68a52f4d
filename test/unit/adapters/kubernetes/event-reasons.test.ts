import { EventReasons } from '../../../../runtime/adapters/kubernetes/event-reasons';
import { podPart } from '../../../../runtime/adapters/kubernetes/flow-part';
import type { KubernetesObjects } from '../../../../runtime/adapters/kubernetes/kubernetes-objects';
import type { Pod } from '../../../../runtime/adapters/kubernetes/pod';
import type { WorkloadState } from '../../../../runtime/controller/ports/cluster';

const createdAt = '2026-01-01T00:00:00Z';
const mount = { type: 'Warning', reason: 'FailedMount', message: 'MountVolume.SetUp failed:\n  secret "s" not found' };
const pulling = { type: 'Normal', reason: 'Pulling', message: 'Pulling image "kflow:test"' };
const at = (second: number) => ({ lastTimestamp: `2026-01-01T00:00:0${second}Z` });

beforeEach(() => {
  jest.useFakeTimers({ now: Date.parse(createdAt) + 60_000 });
});
afterEach(() => {
  jest.useRealTimers();
});

/** A pod of a StatefulSet whose container is in a state. */
function podIn(state: object): Pod {
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'job--fn', uid: 'set', controller: true };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'job--fn-0',
      uid: 'pod',
      labels: { 'kflow.io/function': 'fn' },
      ownerReferences: [owner],
      creationTimestamp: createdAt,
    },
    status: {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'True' }],
      containerStatuses: [{ name: 'function', ready: false, restartCount: 0, state }],
    },
  };
}

const creating = podIn({ waiting: { reason: 'ContainerCreating' } });

/** The replica of the pod once the events are known, and how often events were read. */
async function explained(pod: Pod, events: readonly object[], reads = 1) {
  let count = 0;
  const snapshot = async () => {
    count++;
    return { items: events, resourceVersion: '1' };
  };
  const part = podPart(pod);
  if (part === undefined) throw new Error('not a replica');
  const state: WorkloadState = {
    function: 'fn',
    name: 'job--fn',
    kind: 'statefulset',
    desired: 1,
    replicas: [part.state],
  };
  const reasons = new EventReasons({ snapshot } as unknown as KubernetesObjects);
  const read = () => reasons.explain('team', state, { workload: undefined, pods: [part] });
  const states = await Promise.all(Array.from({ length: reads }, read));
  return { replica: states[0]?.replicas[0], count };
}

const stuck = { phase: 'waiting', reason: 'FailedMount', message: 'MountVolume.SetUp failed: secret "s" not found' };

test.each([
  ['the only one', [{ ...mount, ...at(1) }]],
  [
    'the last one',
    [
      { ...mount, ...at(2) },
      { ...pulling, ...at(1) },
    ],
  ],
  [
    'one that was repeated',
    [
      { ...pulling, ...at(2) },
      { ...mount, series: { lastObservedTime: '2026-01-01T00:00:03.000001Z' } },
    ],
  ],
  [
    'in the same second as another',
    [
      { ...mount, ...at(1) },
      { ...pulling, eventTime: '2026-01-01T00:00:01.900000Z' },
    ],
  ],
])('a pod whose containers cannot be created says what its warning says: %s', async (_, events) => {
  expect((await explained(creating, events)).replica).toMatchObject(stuck);
});

test.each([
  ['no event', creating, []],
  [
    'an event after the warning',
    creating,
    [
      { ...mount, ...at(1) },
      { ...pulling, ...at(2) },
    ],
  ],
])('a pod is starting with %s', async (_, pod, events) => {
  expect((await explained(pod, events)).replica).toEqual(podPart(pod)?.state);
});

test('the events of a pod whose status says more are not read', async () => {
  const waiting = { reason: 'CreateContainerConfigError', message: 'secret "s" not found' };
  const { replica, count } = await explained(podIn({ waiting }), [{ ...mount, ...at(1) }]);
  expect([replica?.reason, count]).toEqual(['CreateContainerConfigError', 0]);
});

test('states that are read at the same time read the events once', async () => {
  expect(await explained(creating, [{ ...mount, ...at(1) }], 5)).toMatchObject({ replica: stuck, count: 1 });
});
