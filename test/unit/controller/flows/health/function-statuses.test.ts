import { functionStatuses } from '../../../../../runtime/controller/flows/health/function-statuses';
import { planIn, progressOf, readyWorkloads, replica, withWorkload } from '../../flow-states';

const plan = planIn('stream');
const ready = readyWorkloads(plan);
const progress = progressOf(plan, {
  list: { lastSequence: 20 },
  map: { pending: 4, ackPending: 2, acked: 14, dead: 1, lastSequence: 13 },
  sink: { acked: 13 },
});
const nothing = { pending: 0, held: 0, dead: 0, restarts: 0 };

test('lists the functions in the order of the plan with their counts', () => {
  const workloads = withWorkload(ready, 'map', {
    replicas: [replica('map-0'), replica('map-1', { phase: 'waiting', restarts: 3 })],
  });
  expect(functionStatuses({ plan, workloads, progress })).toEqual([
    { ...nothing, function: 'list', type: 'fs-source', replicas: 1, ready: 1, isPaused: false, out: 20 },
    {
      ...{ function: 'map', type: 'raw', replicas: 2, ready: 1, isPaused: false },
      ...{ in: 13, out: 13, pending: 4, held: 2, dead: 1, restarts: 3 },
    },
    { ...nothing, function: 'sink', type: 's3-sink', replicas: 1, ready: 1, isPaused: false, in: 13 },
  ]);
});

test('records that wait for a retry are pending, not held, once a paused function has no replica', () => {
  const paused = (replicas: readonly ReturnType<typeof replica>[]) =>
    functionStatuses({ plan, workloads: withWorkload(ready, 'map', { desired: 0, replicas }), progress })[1];
  expect(paused([replica('map-0', { phase: 'ending' })])).toMatchObject({ ready: 0, pending: 4, held: 2 });
  expect(paused([])).toMatchObject({ ready: 0, pending: 6, held: 0 });
});

test('counts from the baseline, and never below 0', () => {
  const [list, map] = functionStatuses({
    plan,
    workloads: ready,
    progress,
    baseline: progressOf(plan, {
      list: { lastSequence: 5 },
      map: { acked: 30, dead: 1, lastSequence: 3 },
    }),
  });
  expect(list).toMatchObject({ out: 15 });
  expect(map).toMatchObject({ in: 0, out: 10, dead: 0, pending: 4 });
});

test('marks an ended function of a batch flow as done', () => {
  expect(functionStatuses({ plan, workloads: [], progress, ended: ['list'] })).toMatchObject([
    { function: 'list', isDone: true },
    { function: 'map' },
    { function: 'sink' },
  ]);
});

test('desires no replica for a paused function, and those of the plan for one that does not exist yet', () => {
  const paused = planIn('stream', ', update: true, pause: true');
  expect(functionStatuses({ plan: paused, workloads: [], progress: [] })[1]).toMatchObject({
    replicas: 0,
    isPaused: true,
  });
  expect(functionStatuses({ plan, workloads: [], progress: [] })[1]).toMatchObject({
    replicas: 2,
    ready: 0,
    isPaused: false,
  });
});

test('a function of a running flow whose workload somebody scaled to 0 is not paused', () => {
  const workloads = withWorkload(ready, 'map', { desired: 0, replicas: [] });
  const isPaused = (isRunning: boolean) => functionStatuses({ plan, workloads, progress, isRunning })[1]?.isPaused;
  expect([isPaused(true), isPaused(false)]).toEqual([false, true]);
});
