import { MemoryCluster } from '../../../../../bench/memory-cluster';
import { judgeFlow } from '../../../../../runtime/controller/flows/activities/judge-flow';
import type { WorkloadState } from '../../../../../runtime/controller/ports/cluster';
import { type Counts, planIn, progressOf, readyWorkloads } from '../../flow-states';

type Outcomes = { readonly [functionId: string]: 'succeeded' | 'failed' };

/** The verdict on a batch flow whose Jobs have these outcomes. */
function judge(outcomes: Outcomes, counts: { readonly [id: string]: Counts } = {}, ended: readonly string[] = []) {
  const plan = planIn('batch');
  const cluster = new MemoryCluster();
  const states = readyWorkloads(plan).map((state): WorkloadState => {
    const outcome = outcomes[state.function];
    return outcome === undefined ? state : { ...state, outcome };
  });
  cluster.workloads = async () => states;
  return judgeFlow({ cluster, streams: { progress: async () => progressOf(plan, counts) } }, plan, ended);
}

test('a batch flow whose sink still has records pending is open', async () => {
  const verdict = await judge({ list: 'succeeded', map: 'succeeded' }, { sink: { pending: 3 } });
  expect(verdict).toEqual({ outcome: 'open' });
});

test('a batch flow whose Jobs all succeeded, or had ended before, is completed', async () => {
  expect(await judge({ map: 'succeeded', sink: 'succeeded' }, {}, ['list'])).toEqual({ outcome: 'completed' });
});

test('a completed flow names its dead letters', async () => {
  const all = { list: 'succeeded', map: 'succeeded', sink: 'succeeded' } as const;
  const { outcome, reason } = await judge(all, { map: { dead: 2 } });
  expect(outcome).toBe('completed');
  expect(reason).toContain('map on 2 records');
});

test('a batch flow with a failed Job has failed, whatever still runs', async () => {
  expect(await judge({ map: 'failed' })).toEqual({ outcome: 'failed', reason: 'map: its Job failed' });
});
