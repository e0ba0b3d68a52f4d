import type { ReplicaReport } from '../../../engine/counters';
import type { ReplicaState, WorkloadState } from '../../ports/cluster';
import type { FunctionProgress } from '../../ports/streams';

/** Something that keeps a flow from being healthy. */
export interface Finding {
  readonly function: string;
  readonly replica?: string;
  /** One word, as in HealthProblem. */
  readonly reason: string;
  /** On one line. */
  readonly message: string;
  /** ISO time, if the cluster reports one; default: when the finding was first seen. */
  readonly since?: string;
  /** `info` is shown, and leaves the flow healthy. */
  readonly weight: 'info' | 'degraded' | 'unhealthy';
  /** For this long the finding counts as part of a start rather than as a problem. */
  readonly graceMs?: number;
  /** Distinguishes findings with the same reason, for example by stream. */
  readonly about?: string;
}

const startReasons: readonly string[] = ['ContainerCreating', 'PodInitializing', 'NotReady'];

/** Whether a replica's reason only says that the replica is starting; every other reason is a fault. */
export function isStartReason(reason: string): boolean {
  return startReasons.includes(reason);
}

/** The progress of a function through its input. */
export interface Movement {
  /** Since when, in ms, the function has had input without acking any. */
  readonly stillSince: number;
  /** Attempts that failed since then. */
  readonly failures: number;
  /** Error of the last failed attempt, and the replica that reported it. */
  readonly lastFailure?: string;
  readonly failedReplica?: number;
  /** Why records wait for their destination. */
  readonly waiting?: string;
}

/** Why a replica does not run: one word, and one line. */
export interface ReplicaFault {
  readonly reason: string;
  readonly message: string;
}

/** The state of a flow at one time. */
export interface Snapshot {
  readonly now: number;
  readonly workloads: readonly WorkloadState[];
  readonly progress: readonly FunctionProgress[];
  readonly reports: readonly ReplicaReport[];
  /** Functions that need not make progress: paused ones and ended ones. */
  readonly idle: ReadonlySet<string>;
}

/**
 * What a single snapshot cannot show: since when something has been the case. One memory per flow.
 *
 * I1. A finding keeps the `since` of the snapshot that had it first, as long as every snapshot has it.
 * I2. A function is still from the first snapshot in which it has input and the same number of acks as in the snapshot
 *     before; a number of acks that falls, as after a re-read, counts as progress.
 * I3. A replica that was ready once is no longer starting. The reason of its last exit remains until it is ready again and
 *     its function makes progress, because the record that crashed it may be redelivered at any moment.
 * I4. Only what the last snapshot contained is remembered.
 */
export class HealthMemory {
  private sinces: ReadonlyMap<string, string> = new Map();
  private movements: ReadonlyMap<string, Movement & { readonly acked: number }> = new Map();
  private failed: ReadonlyMap<string, number> = new Map();
  private readyOnce: ReadonlySet<string> = new Set();
  private crashes: ReadonlyMap<string, ReplicaFault> = new Map();

  /** Call it with each snapshot, before any other method. */
  observe(snapshot: Snapshot): void {
    const growth = this.takeReports(snapshot.reports);
    this.movements = new Map(snapshot.progress.map((each) => [each.function, this.moved(each, growth, snapshot)]));
    const replicas = snapshot.workloads.flatMap((workload) => workload.replicas);
    const seen = replicas.filter((replica) => replica.phase === 'ready' || this.wasReady(replica));
    this.readyOnce = new Set(seen.map(identityOf));
    const crashes = snapshot.workloads.flatMap((workload) => {
      const { stillSince = snapshot.now } = this.movements.get(workload.function) ?? {};
      return workload.replicas.flatMap((replica) => this.crashOf(replica, stillSince < snapshot.now));
    });
    this.crashes = new Map(crashes);
  }

  movementOf(functionId: string): Movement | undefined {
    return this.movements.get(functionId);
  }

  wasReady(replica: ReplicaState): boolean {
    return this.readyOnce.has(identityOf(replica));
  }

  /** Why a replica last exited or could not start, as long as it matters. (I3) */
  lastFaultOf(replica: string): ReplicaFault | undefined {
    return this.crashes.get(replica);
  }

  /** Adds to the findings of a snapshot when each was first seen. (I1) */
  keep(findings: readonly Finding[], now: number): readonly (Finding & { readonly since: string })[] {
    const kept = findings.map((finding) => {
      const since = this.sinces.get(keyOf(finding)) ?? finding.since ?? new Date(now).toISOString();
      return { ...finding, since };
    });
    this.sinces = new Map(kept.map((finding) => [keyOf(finding), finding.since]));
    return kept;
  }

  private crashOf(
    { name, phase, reason, message }: ReplicaState,
    isStill: boolean,
  ): readonly (readonly [string, ReplicaFault])[] {
    if (phase === 'ready' && !isStill) return [];
    const isFault = phase !== 'ready' && reason !== undefined && !isStartReason(reason);
    const fault = isFault ? { reason, message: message ?? `the replica is ${phase}` } : this.crashes.get(name);
    return fault === undefined ? [] : [[name, fault]];
  }

  /** The reports with more failed attempts than before. Several pods may report for one replica number. */
  private takeReports(reports: readonly ReplicaReport[]): readonly Growth[] {
    const before = this.failed;
    const sums = new Map<string, ReplicaReport>();
    for (const report of reports) {
      const key = `${report.function} ${report.replica} ${report.host} ${report.pid}`;
      sums.set(key, { ...report, failed: report.failed + (sums.get(key)?.failed ?? 0) });
    }
    this.failed = new Map([...sums].map(([key, { failed }]) => [key, failed]));
    return [...sums]
      .map(([key, report]) => ({ ...report, more: report.failed - (before.get(key) ?? report.failed) }))
      .filter(({ more }) => more > 0);
  }

  private moved(
    { function: id, inputs }: FunctionProgress,
    growth: readonly Growth[],
    { now, idle, reports }: Snapshot,
  ): Movement & { readonly acked: number } {
    const acked = inputs.reduce((sum, input) => sum + input.acked, 0);
    const hasInput = inputs.some((input) => input.pending + input.ackPending > 0);
    const before = this.movements.get(id);
    const isStill = before?.acked === acked && hasInput && !idle.has(id);
    if (before === undefined || !isStill) return { acked, stillSince: now, failures: 0 };
    const grown = growth.filter((report) => report.function === id);
    const last = grown.at(-1);
    const waiting = reports.findLast((report) => report.function === id && report.waiting !== undefined)?.waiting;
    return {
      ...before,
      waiting,
      failures: grown.reduce((sum, { more }) => sum + more, before.failures),
      ...(last?.lastFailure === undefined ? {} : { lastFailure: last.lastFailure, failedReplica: last.replica }),
    };
  }
}

/** A report with the number of attempts that failed since the previous report. */
interface Growth extends ReplicaReport {
  readonly more: number;
}

/** A replica that was recreated, as for an update, may have the same name. */
function identityOf({ name, specHash = '' }: ReplicaState): string {
  return `${name} ${specHash}`;
}

function keyOf({ function: id, replica = '', reason, about = '' }: Finding): string {
  return [id, replica, reason, about].join('\n');
}
