import type { FlowPlan } from '../../../lib/plan/flow-plan';
import type { FlowMemo } from '../../../runtime/controller/flows/ports/flow-workflow';
import type { ReplicaState, WorkloadState } from '../../../runtime/controller/ports/cluster';
import type { FunctionProgress } from '../../../runtime/controller/ports/streams';
import type { ReplicaReport } from '../../../runtime/engine/counters';
import { planOf } from '../plan/planned';

/** When everything begins, and how times are written. */
export const start = Date.parse('2026-01-01T00:00:00Z');
export const at = (seconds: number) => new Date(start + seconds * 1_000).toISOString();

/** list → map → sink, map with two replicas. */
export function planIn(mode: 'batch' | 'stream', meta = ''): FlowPlan {
  const account = 'addr: "s3:1", user: minio, password: minio';
  return planOf(`jobId: job
mode: ${mode}
dag:
- { id: list, type: fs-source, format: list, topics: "s3a://inbox", ${account}, out: [map] }
- { id: map, type: raw, parallelism: 2, meta: { name: f, code: "def f(ctx, e): return e"${meta} }, out: [sink] }
- { id: sink, type: s3-sink, topics: "s3a://outbox", ${account} }
`);
}

/** What the workflow of a running stream says of itself. */
export const runningMemo: FlowMemo = {
  phase: 'Running',
  since: at(0),
  startTime: at(0),
  runId: 'r',
  revision: 1,
  digest: 'd',
  mode: 'stream',
  isSettled: true,
  pauses: {},
  ended: [],
};

export function replica(name: string, state: Partial<ReplicaState> = {}): ReplicaState {
  return { name, phase: 'ready', restarts: 0, since: at(0), ...state };
}

/** Every replica of a plan, ready. */
export function readyWorkloads({ workloads }: FlowPlan): readonly WorkloadState[] {
  return workloads.map((workload) => ({
    function: workload.function,
    name: workload.name,
    kind: workload.kind,
    desired: workload.replicas,
    replicas: Array.from({ length: workload.replicas }, (_, index) => replica(`${workload.function}-${index}`)),
  }));
}

/** The same with one workload another. */
export function withWorkload(
  workloads: readonly WorkloadState[],
  id: string,
  changes: Partial<WorkloadState>,
): readonly WorkloadState[] {
  return workloads.map((workload) => (workload.function === id ? { ...workload, ...changes } : workload));
}

export interface Counts {
  readonly pending?: number;
  readonly ackPending?: number;
  readonly acked?: number;
  readonly dead?: number;
  readonly lastSequence?: number;
  readonly messages?: number;
  readonly usage?: number;
}

/** How far every function of a plan is; 0 for what is not said. */
export function progressOf(
  { workloads }: FlowPlan,
  counts: { readonly [functionId: string]: Counts },
): readonly FunctionProgress[] {
  return workloads.map(({ function: id, spec }) => {
    const {
      pending = 0,
      ackPending = 0,
      acked = 0,
      dead = 0,
      lastSequence = 0,
      messages = 0,
      usage = 0,
    } = counts[id] ?? {};
    const inputs = spec.inputs.map(({ stream, function: from }) => ({ stream, from, pending, ackPending, acked }));
    const outputs =
      spec.output === undefined ? [] : [{ stream: spec.output.stream, lastSequence, messages, bytes: 0, usage }];
    return { function: id, inputs, outputs, dead };
  });
}

export function report(id: string, changes: Partial<ReplicaReport> = {}): ReplicaReport {
  return { function: id, replica: 0, host: 'here', pid: 100, in: 0, out: 0, failed: 0, dead: 0, ...changes };
}
