import { MemoryCluster } from '../../../../../bench/memory-cluster';
import { batchResult, functionsDownstream } from '../../../../../runtime/controller/flows/activities/batch-flow';
import type { ReplicaState, WorkloadState } from '../../../../../runtime/controller/ports/cluster';
import { planOf } from '../../../plan/planned';
import { type Counts, planIn, progressOf, readyWorkloads } from '../../flow-states';

type Outcomes = { readonly [functionId: string]: 'succeeded' | 'failed' };

/** The result of a batch flow whose Jobs have these outcomes. */
function resultOf(outcomes: Outcomes, counts: { readonly [id: string]: Counts } = {}, ended: readonly string[] = []) {
  const plan = planIn('batch');
  const cluster = new MemoryCluster();
  const states = readyWorkloads(plan).map((state): WorkloadState => {
    const outcome = outcomes[state.function];
    return outcome === undefined ? state : { ...state, outcome };
  });
  cluster.workloads = async () => states;
  return batchResult(
    { cluster, streams: { redriving: async () => [], progress: async () => progressOf(plan, counts) } },
    plan,
    ended,
  );
}

test('a batch flow whose sink still has records pending is open', async () => {
  const result = await resultOf({ list: 'succeeded', map: 'succeeded' }, { sink: { pending: 3 } });
  expect(result).toEqual({ outcome: 'open' });
});

test('a batch flow whose Jobs all succeeded, or had ended before, is completed', async () => {
  expect(await resultOf({ map: 'succeeded', sink: 'succeeded' }, {}, ['list'])).toEqual({ outcome: 'completed' });
});

test('a batch flow whose replicas exited with records left in their inputs has failed', async () => {
  const all = { list: 'succeeded', map: 'succeeded', sink: 'succeeded' } as const;
  expect(await resultOf(all, { map: { pending: 2 } })).toEqual({
    outcome: 'failed',
    reason: 'map: its replicas exited with code 0 and left 2 records unprocessed',
  });
});

test('a completed flow names its dead letters', async () => {
  const all = { list: 'succeeded', map: 'succeeded', sink: 'succeeded' } as const;
  const { outcome, reason } = await resultOf(all, { map: { dead: 2 } });
  expect(outcome).toBe('completed');
  expect(reason).toBe('completed with dead letters of map (2 records)');
});

test('a batch flow with a failed Job has failed, whatever still runs', async () => {
  expect(await resultOf({ map: 'failed' })).toEqual({ outcome: 'failed', reason: 'map: its Job failed' });
});

test.each([
  [6, { outcome: 'failed', reason: 'list: replica list-0 failed again after 6 restarts: exit 1: ValueError: no' }],
  [5, { outcome: 'open' }],
])('a batch flow whose Deployment has a replica that failed after %i restarts', async (restarts, expected) => {
  const plan = planIn('batch');
  const cluster = new MemoryCluster();
  const replica: ReplicaState = {
    name: 'list-0',
    phase: 'waiting',
    reason: 'CrashLoopBackOff',
    message: 'exit 1: ValueError: no',
    restarts,
    since: '2026-01-01T00:00:00Z',
  };
  cluster.workloads = async () =>
    readyWorkloads(plan).map(
      (state): WorkloadState =>
        state.function === 'list' ? { ...state, kind: 'deployment', replicas: [replica] } : state,
    );
  const streams = { redriving: async () => [], progress: async () => progressOf(plan, {}) };
  expect(await batchResult({ cluster, streams }, plan, [])).toEqual(expected);
});

test('a batch flow without Jobs stays open', async () => {
  const plan = planIn('batch');
  const workloads = plan.workloads.map((workload) => ({ ...workload, kind: 'deployment' as const }));
  const ports = {
    cluster: new MemoryCluster(),
    streams: { redriving: async () => [], progress: async () => progressOf(plan, {}) },
  };
  expect(await batchResult(ports, { ...plan, workloads }, [])).toEqual({ outcome: 'open' });
});

test('every function downstream is found, however far, in any order of the document', () => {
  const code = 'meta: { name: run, code: "def run(ctx, event): return event" }';
  const schema = '{"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}';
  const plan = planOf(`
jobId: far
dag:
  - { id: last, type: raw, ${code} }
  - { id: third, type: raw, ${code}, out: [last] }
  - { id: second, type: raw, ${code}, out: [third] }
  - { id: in, type: raw-source, schema: '${schema}', ${code}, out: [second, other] }
  - { id: other, type: raw, ${code} }
`);
  expect(functionsDownstream(plan, ['second'])).toEqual(['last', 'third', 'second']);
});
