import path from 'node:path';
import type { ReplicaState, WorkloadState } from '../../controller/ports/cluster';
import type { AskedWorkload } from './asked-workload';
import type { ProcessExit } from './guard';
import { concluded, endedReplicas, type JobRecord, recordEnd } from './job-record';
import type { KeptObjects } from './kept-objects';
import { planReplicas } from './plan-replicas';
import { ReplicaLog } from './replica-log';
import { ReplicaProcess } from './replica-process';
import { setUpReplica } from './replica-setup';

export interface WorkloadRunnerProps {
  readonly objects: KeptObjects;
  /** For the replicas' files. */
  readonly folder: string;
  readonly logFile: (replica: string) => string;
  readonly program: string;
  /** Variables of every replica, which win over the manifest's. */
  readonly env: { readonly [name: string]: string };
  /** What is known of the Job; empty of one that has just been made. */
  readonly record: () => JobRecord;
  readonly keepRecord: (record: JobRecord) => void;
  readonly onChange: () => void;
}

/** A replica as somebody beside it sees it. */
export interface RunningReplica {
  readonly workload: AskedWorkload;
  readonly number: number;
  readonly state: ReplicaState;
  readonly lastExit?: string | undefined;
}

/**
 * Keeps the replicas of one workload as its manifest asks for them.
 *
 * I1. No two replicas have the same number, those that are ending included.
 * I2. A number of a Job that has succeeded is never started again; it is kept before the replica counts as gone.
 */
export class WorkloadRunner {
  private readonly processes = new Map<number, ReplicaProcess>();
  private stopped = false;
  private isPlanned = false;

  constructor(
    private asked: AskedWorkload,
    private readonly props: WorkloadRunnerProps,
  ) {
    this.reconcile();
  }

  /** It was removed, and every replica is gone. */
  get isGone(): boolean {
    return this.stopped && this.processes.size === 0;
  }

  /** It was removed, or is closed. */
  get isStopped(): boolean {
    return this.stopped;
  }

  get workload(): AskedWorkload {
    return this.asked;
  }

  get state(): WorkloadState {
    const { kind, name, function: functionId, specHash } = this.asked;
    const record = this.record();
    return {
      function: functionId,
      name,
      kind,
      desired: this.stopped ? 0 : this.asked.replicas,
      ...(record?.outcome === undefined ? {} : { outcome: record.outcome }),
      ...(record?.message === undefined ? {} : { message: record.message }),
      ...(specHash === undefined ? {} : { specHash }),
      replicas: this.replicas().map(({ state }) => state),
    };
  }

  /** Every replica there is, by number; of a Job those too that have ended for good. */
  replicas(): readonly RunningReplica[] {
    const workload = this.asked;
    const record = this.record();
    const ended = record === undefined ? [] : endedReplicas(record, workload);
    const alive = [...this.processes].flatMap(([number, { phase, state, lastExit }]) =>
      phase === 'over' ? [] : [{ workload, number, state: { ...state, phase }, lastExit }],
    );
    return [
      ...alive,
      ...ended.map(({ end, state }) => ({ workload, number: end.number, state, lastExit: end.exit })),
    ].sort((one, other) => one.number - other.number);
  }

  /** Takes another manifest, also of a workload that was removed and has not gone yet. */
  ask(asked: AskedWorkload): void {
    this.asked = asked;
    this.stopped = false;
    if (asked.job !== undefined) this.props.keepRecord(concluded(this.props.record(), asked.job));
    this.reconcile();
  }

  /** Ends every replica; each has its grace time, or `atMostMs`. Resolves when all are gone. */
  async stop(atMostMs?: number): Promise<void> {
    this.stopped = true;
    await Promise.all([...this.processes.values()].map((replica) => replica.stop(atMostMs)));
  }

  private record(): JobRecord | undefined {
    return this.asked.job === undefined || this.stopped ? undefined : this.props.record();
  }

  private reconcile(): void {
    if (this.stopped) return;
    const record = this.record();
    const asked = record?.outcome === undefined ? this.asked : { ...this.asked, replicas: 0 };
    const done = record?.succeeded.map(({ number }) => number) ?? [];
    const present = [...this.processes].map(([number, replica]) => ({
      number,
      phase: replica.phase,
      templateDigest: replica.props.templateDigest,
      replica,
    }));
    const { end, start } = planReplicas(asked, present, done);
    for (const { replica } of end) void replica.stop();
    for (const number of start) this.processes.set(number, this.start(number));
  }

  private start(number: number): ReplicaProcess {
    const { asked, props } = this;
    const name = `${asked.function}-${number}`;
    const folder = path.join(props.folder, String(number));
    return new ReplicaProcess({
      name,
      number,
      templateDigest: asked.templateDigest,
      ...(asked.specHash === undefined ? {} : { specHash: asked.specHash }),
      graceMs: asked.template.spec.terminationGracePeriodSeconds * 1_000,
      program: props.program,
      folder,
      log: new ReplicaLog(props.logFile(name)),
      environment: () => {
        const variables = setUpReplica({ workload: asked, number, name, folder }, props.objects);
        return { ...process.env, ...variables, ...props.env };
      },
      judge: (exit) => this.judge(number, exit),
      onChange: () => this.planSoon(),
    });
  }

  /** A Job's replica can be done, or be the one with which the Job fails; any other is started again. */
  private judge(number: number, exit: ProcessExit): 'again' | 'over' {
    const { job } = this.asked;
    const replica = this.processes.get(number);
    if (job === undefined || replica === undefined) return 'again';
    const at = new Date().toISOString();
    const { state, lastExit = '', lastWords } = replica;
    const end = { number, at, restarts: state.restarts, exit: lastExit, message: lastWords, code: exit.code };
    const record = recordEnd(this.props.record(), end, job);
    this.props.keepRecord(record); // I2
    const isOver = exit.code === 0 || record.outcome !== undefined;
    return isOver ? 'over' : 'again';
  }

  /** What changed is gathered: replicas that change together are looked at once. */
  private planSoon(): void {
    if (this.isPlanned) return;
    this.isPlanned = true;
    setImmediate(() => {
      this.isPlanned = false;
      for (const [number, { phase }] of this.processes) if (phase === 'over') this.processes.delete(number);
      this.reconcile();
      this.props.onChange();
    });
  }
}
