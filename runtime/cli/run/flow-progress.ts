import type { JetStreamManager, NatsConnection } from 'nats';
import type { FlowPlan, PlannedWorkload } from '../../../lib/plan/flow-plan';
import { countersSubject, deadLetterStream, deadLetterSubject } from '../../../lib/plan/names';
import { patiently } from '../../adapters/jetstream/patiently';
import { ignoreMissing } from '../../adapters/jetstream/provision';
import { consumerProgress } from '../../adapters/jetstream/stream-trimmer';
import type { ReplicaReport } from '../../engine/counters';
import type { ReplicaStatus } from './local-replicas';

/** What a function has done in this run. */
export interface FunctionProgress {
  readonly function: string;
  readonly type: string;
  readonly replicas: number;
  /** Records processed: taken in and acked. Absent on a source. */
  readonly in?: number;
  /** Records in the output stream; absent where nothing reads the output. */
  readonly out?: number;
  /** Records in its inputs that it has not processed. */
  readonly pending: number;
  /** Tries that failed, of all replicas that could still say so. */
  readonly failed: number;
  /** Records given up on: they are in the dead letters. */
  readonly dead: number;
  readonly restarts: number;
  /** Why the last failed try failed. */
  readonly lastFailure?: string;
  readonly phases: readonly ReplicaStatus['phase'][];
}

/** What stood in the streams before the run. */
interface Baseline {
  readonly acked: ReadonlyMap<string, number>;
  readonly out: ReadonlyMap<string, number>;
  readonly dead: ReadonlyMap<string, number>;
}

/** Counts records by what the streams and consumers hold, so that no restart makes a count wrong. */
export class FlowProgress {
  private readonly reports = new Map<string, ReplicaReport>();
  private baseline: Baseline = { acked: new Map(), out: new Map(), dead: new Map() };

  private constructor(
    connection: NatsConnection,
    private readonly manager: JetStreamManager,
    private readonly plan: FlowPlan,
  ) {
    connection.subscribe(countersSubject(plan, '*'), {
      callback: (_error, message) => {
        const report = message.json<ReplicaReport>();
        this.reports.set(`${report.function}:${report.pid}`, report);
      },
    });
  }

  static async open(connection: NatsConnection, plan: FlowPlan): Promise<FlowProgress> {
    const progress = new FlowProgress(connection, await connection.jetstreamManager({ checkAPI: false }), plan);
    progress.baseline = await progress.readBaseline();
    return progress;
  }

  async read(replicas: readonly ReplicaStatus[]): Promise<FunctionProgress[]> {
    const dead = await this.deadBySubject();
    return Promise.all(this.plan.workloads.map((workload) => this.readFunction(workload, replicas, dead)));
  }

  private async readFunction(
    workload: PlannedWorkload,
    all: readonly ReplicaStatus[],
    deadBySubject: ReadonlyMap<string, number>,
  ): Promise<FunctionProgress> {
    const { spec } = workload;
    const replicas = all.filter((replica) => replica.function === workload.function);
    const inputs = await Promise.all(spec.inputs.map((input) => this.readInput(input.stream, input.durable)));
    const taken = { in: sum(inputs.map((input) => input.acked)) };
    const subject = deadLetterSubject(this.plan, workload.function);
    const dead = (deadBySubject.get(subject) ?? 0) - (this.baseline.dead.get(subject) ?? 0);
    const reports = [...this.reports.values()].filter((report) => report.function === workload.function);
    const { output } = spec;
    const lastFailure = reports.findLast((report) => report.lastFailure !== undefined)?.lastFailure;
    return {
      ...(lastFailure === undefined ? {} : { lastFailure }),
      function: workload.function,
      type: spec.type,
      replicas: workload.replicas,
      ...(spec.inputs.length > 0 ? { in: taken.in - dead } : {}),
      ...(output === undefined
        ? {}
        : { out: (await this.lastSequence(output.stream)) - (this.baseline.out.get(output.stream) ?? 0) }),
      pending: sum(inputs.map((input) => input.pending)),
      failed: sum(reports.map((report) => report.failed)),
      dead,
      restarts: sum(replicas.map((replica) => replica.restarts)),
      phases: replicas.map((replica) => replica.phase),
    };
  }

  private async readInput(stream: string, durable: string): Promise<{ acked: number; pending: number }> {
    const { delivered, ackPending, pending } = await consumerProgress(this.manager, stream, durable);
    const before = this.baseline.acked.get(`${stream}/${durable}`) ?? 0;
    return { acked: delivered - ackPending - before, pending: pending + ackPending };
  }

  private async lastSequence(stream: string): Promise<number> {
    return (await patiently(() => this.manager.streams.info(stream))).state.last_seq;
  }

  private async deadBySubject(): Promise<ReadonlyMap<string, number>> {
    const name = deadLetterStream(this.plan);
    const info = await patiently(() => ignoreMissing(this.manager.streams.info(name, { subjects_filter: '>' })));
    return new Map(Object.entries(info?.state.subjects ?? {}));
  }

  private async readBaseline(): Promise<Baseline> {
    const acked = new Map<string, number>();
    const out = new Map<string, number>();
    for (const { stream, durable } of this.plan.consumers) {
      const { delivered, ackPending } = await consumerProgress(this.manager, stream, durable);
      acked.set(`${stream}/${durable}`, delivered - ackPending);
    }
    for (const { name } of this.plan.streams) out.set(name, await this.lastSequence(name));
    return { acked, out, dead: await this.deadBySubject() };
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
