import path from 'node:path';
import type { ReplicaState, WorkloadState } from '../../controller/ports/cluster';
import type { MetricsPage } from '../../metrics-page';
import type { DesiredWorkload } from './desired-workload';
import type { ProcessExit } from './guard';
import { concluded, endedReplicas, type JobRecord, recordEnd } from './job-record';
import { planReplicas } from './plan-replicas';
import { ReplicaLog } from './replica-log';
import { ReplicaProcess } from './replica-process';
import { setUpReplica } from './replica-setup';
import { refreshSecrets } from './replica-volumes';
import type { StoredObjects } from './stored-objects';

export interface WorkloadRunnerProps {
  readonly objects: StoredObjects;
  /** Holds a folder for each replica. */
  readonly folder: string;
  readonly logFile: (replica: string) => string;
  readonly program: string;
  /** Variables of every replica; they override the manifest. */
  readonly env: { readonly [name: string]: string };
  /** Variables of every replica that neither this process nor the manifest has. */
  readonly defaults: { readonly [name: string]: string };
  /** The stored record of the Job; empty for a new Job. */
  readonly record: () => JobRecord;
  readonly saveRecord: (record: JobRecord) => void;
  readonly onChange: () => void;
  /** Called for a replica that ended with an error after it was asked to end. */
  readonly onFailedStop: (stop: FailedStop) => void;
}

/** The end of a replica that was asked to end and reported an error: something was left undone. */
export interface FailedStop {
  readonly function: string;
  readonly number: number;
  /** The exit, with the last error in the log. */
  readonly message: string;
}

/** The state of a replica as the node reports it. */
export interface RunningReplica {
  readonly workload: DesiredWorkload;
  readonly number: number;
  readonly state: ReplicaState;
  readonly lastExit?: string | undefined;
}

/**
 * Reconciles the replicas of one workload with its manifest.
 *
 * I1. No two replicas have the same number, including replicas that are ending.
 * I2. A completion index that has succeeded is never started again: its success is saved before the replica counts as ended.
 */
export class WorkloadRunner {
  private readonly processes = new Map<number, ReplicaProcess>();
  private stopped = false;
  private isScheduled = false;

  constructor(
    private desired: DesiredWorkload,
    private readonly props: WorkloadRunnerProps,
  ) {
    this.reconcile();
  }

  /** Whether the workload was removed and every replica has ended. */
  get isGone(): boolean {
    return this.stopped && this.processes.size === 0;
  }

  /** Whether the workload was removed, or the node is closing. */
  get isStopped(): boolean {
    return this.stopped;
  }

  get workload(): DesiredWorkload {
    return this.desired;
  }

  get state(): WorkloadState {
    const { kind, name, function: functionId, specHash } = this.desired;
    const record = this.record();
    return {
      function: functionId,
      name,
      kind,
      desired: this.stopped ? 0 : this.desired.replicas,
      ...(record?.outcome === undefined ? {} : { outcome: record.outcome }),
      ...(record?.message === undefined ? {} : { message: record.message }),
      ...(specHash === undefined ? {} : { specHash }),
      replicas: this.replicas().map(({ state }) => state),
    };
  }

  /** Every replica, by number, including the ended replicas of a Job. */
  replicas(): readonly RunningReplica[] {
    const workload = this.desired;
    const record = this.record();
    const ended = record === undefined ? [] : endedReplicas(record, workload);
    const alive = [...this.processes].flatMap(([number, { phase, state, lastExit }]) =>
      phase === 'ended' ? [] : [{ workload, number, state: { ...state, phase }, lastExit }],
    );
    return [
      ...alive,
      ...ended.map(({ end, state }) => ({ workload, number: end.number, state, lastExit: end.exit })),
    ].sort((one, other) => one.number - other.number);
  }

  /** The metrics of the replicas that run and export them. */
  async metrics(): Promise<readonly MetricsPage[]> {
    const pages = await Promise.all([...this.processes.values()].map((replica) => replica.metrics()));
    return pages.filter((page) => page !== undefined);
  }

  /** Applies another manifest, also to a removed workload whose replicas are still ending. */
  update(desired: DesiredWorkload): void {
    this.desired = desired;
    this.stopped = false;
    if (desired.job !== undefined) this.props.saveRecord(concluded(this.props.record(), desired.job));
    this.reconcile();
  }

  /** Writes the Secrets of every replica's folder again. */
  refreshSecrets(): void {
    for (const number of this.processes.keys()) refreshSecrets(this.replica(number), this.props.objects);
  }

  /** Ends every replica within its grace time or `atMostMs`. Resolves when all have ended. */
  async stop(atMostMs?: number): Promise<void> {
    this.stopped = true;
    await Promise.all([...this.processes.values()].map((replica) => replica.stop(atMostMs)));
  }

  private record(): JobRecord | undefined {
    return this.desired.job === undefined || this.stopped ? undefined : this.props.record();
  }

  private reconcile(): void {
    if (this.stopped) return;
    const record = this.record();
    const desired = record?.outcome === undefined ? this.desired : { ...this.desired, replicas: 0 };
    const done = record?.succeeded.map(({ number }) => number) ?? [];
    const present = [...this.processes].map(([number, replica]) => ({
      number,
      phase: replica.phase,
      templateDigest: replica.props.templateDigest,
      replica,
    }));
    const { end, start } = planReplicas(desired, present, done);
    for (const { replica } of end) void replica.stop();
    for (const number of start) this.processes.set(number, this.start(number));
  }

  private start(number: number): ReplicaProcess {
    const { desired, props } = this;
    const replica = this.replica(number);
    const { name, folder } = replica;
    return new ReplicaProcess({
      name,
      number,
      templateDigest: desired.templateDigest,
      ...(desired.specHash === undefined ? {} : { specHash: desired.specHash }),
      graceMs: desired.template.spec.terminationGracePeriodSeconds * 1_000,
      program: props.program,
      folder,
      log: new ReplicaLog(props.logFile(name)),
      environment: () => {
        const variables = setUpReplica(replica, props.objects);
        // the login of this process is not that of its replicas
        const { KFLOW_NATS_CREDENTIALS: _folder, KFLOW_NATS_DOMAIN: _domain, ...inherited } = process.env;
        return { ...props.defaults, ...inherited, ...variables, ...props.env, KFLOW_REPLICA_NAME: name };
      },
      afterExit: (exit) => this.afterExit(number, exit),
      onChange: () => this.reconcileSoon(),
      onFailedStop: (message) => props.onFailedStop({ function: desired.function, number, message }),
    });
  }

  private replica(number: number) {
    const { desired, props } = this;
    const folder = path.join(props.folder, String(number));
    return { workload: desired, number, name: `${desired.function}-${number}`, folder };
  }

  /** A replica of a Job ends when its index succeeds or the Job fails; every other replica is restarted. */
  private afterExit(number: number, exit: ProcessExit): 'restart' | 'end' {
    const { job } = this.desired;
    const replica = this.processes.get(number);
    if (job === undefined || replica === undefined) return 'restart';
    const at = new Date().toISOString();
    const { state, lastExit = '', exitMessage } = replica;
    const end = { number, at, restarts: state.restarts, exit: lastExit, message: exitMessage, code: exit.code };
    const record = recordEnd(this.props.record(), end, job);
    this.props.saveRecord(record); // I2
    return exit.code === 0 || record.outcome !== undefined ? 'end' : 'restart';
  }

  /** Reconciles once for all replicas that change in the same turn of the event loop. */
  private reconcileSoon(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      for (const [number, { phase }] of this.processes) if (phase === 'ended') this.processes.delete(number);
      this.reconcile();
      this.props.onChange();
    });
  }
}
