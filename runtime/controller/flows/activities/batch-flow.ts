import { countedRecords } from '../../../../lib/counted';
import type { FlowPlan } from '../../../../lib/plan/flow-plan';
import { retriesEach } from '../../../../lib/plan/replica-lifecycle';
import type { Cluster, ReplicaState, WorkloadState } from '../../ports/cluster';
import type { Streams } from '../../ports/streams';
import type { BatchResult } from '../workflow/flow-activities';

/**
 * Whether a batch flow completed or failed. It completes when every Job has succeeded, in this workflow or in an earlier
 * one, and has processed its inputs. It fails when any Job has failed or has left records, when a replica of a Deployment
 * keeps failing, and when somebody removed records that were not processed. A flow without Jobs stays open until a request ends it. The reason of a completed
 * flow lists the functions that dead-lettered records.
 */
export async function batchResult(
  { cluster, streams }: { readonly cluster: Cluster; readonly streams: Pick<Streams, 'progress' | 'redriving'> },
  plan: FlowPlan,
  ended: readonly string[],
): Promise<BatchResult> {
  const jobs = plan.workloads.filter(({ kind }) => kind === 'job');
  if (jobs.length === 0) return { outcome: 'open' };
  const states = new Map((await cluster.workloads(plan)).map((state) => [state.function, state]));
  const failures = plan.workloads.flatMap(({ function: id }) => {
    const state = states.get(id);
    if (state?.outcome === 'failed') return [`${id}: ${state.message ?? 'its Job failed'}`];
    const exhausted = state === undefined ? undefined : exhaustedReplica(state);
    if (exhausted === undefined) return [];
    const { name, restarts, message = 'it failed' } = exhausted;
    return [`${id}: replica ${name} failed again after ${restarts} restarts: ${message}`];
  });
  if (failures.length > 0) return { outcome: 'failed', reason: failures.join('; ') };
  const isDone = (id: string) => ended.includes(id) || states.get(id)?.outcome === 'succeeded';
  const redriving = (await streams.redriving(plan)).filter(isDone);
  if (redriving.length > 0) return { outcome: 'open', redriving };
  if (!jobs.every(({ function: id }) => isDone(id))) return { outcome: 'open' };
  const progress = await streams.progress(plan);
  const left = progress.filter(({ function: id }) => !ended.includes(id) && states.get(id)?.outcome === 'succeeded');
  const unprocessed = left.flatMap(({ function: id, inputs }) => {
    const count = inputs.reduce((sum, { pending, ackPending }) => sum + pending + ackPending, 0);
    return count === 0 ? [] : [`${id}: its replicas exited with code 0 and left ${countedRecords(count)} unprocessed`];
  });
  if (unprocessed.length > 0) return { outcome: 'failed', reason: unprocessed.join('; ') };
  const losses = progress.flatMap(({ function: id, drifts = [] }) =>
    drifts.filter(({ lost }) => lost !== undefined).map(({ message }) => `${id}: ${message}`),
  );
  if (losses.length > 0) return { outcome: 'failed', reason: losses.join('; ') };
  const reason = deadLettersReason(progress);
  return { outcome: 'completed', ...(reason === undefined ? {} : { reason }) };
}

/** Which functions of a completed batch have dead letters; undefined without any. */
export function deadLettersReason(
  functions: readonly { readonly function: string; readonly dead: number }[],
): string | undefined {
  const counts = functions
    .filter(({ dead }) => dead > 0)
    .map(({ function: id, dead }) => `${id} (${countedRecords(dead)})`);
  return counts.length === 0 ? undefined : `completed with dead letters of ${counts.join(', ')}`;
}

/** A replica that is restarted for ever by the cluster, and has failed as often as a Job's may. */
export function exhaustedReplica({ kind, replicas }: WorkloadState): ReplicaState | undefined {
  if (kind === 'job') return undefined;
  return replicas.find(({ reason, restarts }) => reason === 'CrashLoopBackOff' && restarts >= retriesEach);
}

/**
 * Begins a run of a batch, or continues the last one: when it has not completed, or when dead letters are to be processed again,
 * which then belong to it. Returns the functions that do not run again.
 */
export async function beginBatch(
  streams: Pick<Streams, 'redriving' | 'beginRun' | 'reopen' | 'endedFunctions'>,
  plan: FlowPlan,
): Promise<readonly string[]> {
  const redriving = await streams.redriving(plan);
  await streams.beginRun(plan, { continues: redriving.length > 0 });
  if (redriving.length > 0) await streams.reopen(plan, functionsDownstream(plan, redriving));
  return streams.endedFunctions(plan);
}

/** These functions and every function downstream of them, in the order of the plan. */
export function functionsDownstream(plan: FlowPlan, functions: readonly string[]): readonly string[] {
  const found = new Set(functions);
  let before = 0;
  while (found.size > before) {
    before = found.size;
    for (const { spec } of plan.workloads) {
      if (spec.inputs.some(({ function: from }) => found.has(from))) found.add(spec.function);
    }
  }
  return plan.workloads.map(({ spec }) => spec.function).filter((id) => found.has(id));
}
