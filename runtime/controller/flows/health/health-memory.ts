import type { ReplicaReport } from '../../../engine/counters';
import type { ReplicaState, WorkloadState } from '../../ports/cluster';
import type { FunctionProgress } from '../../ports/streams';
import type { Finding } from './finding';
import { isStartReason } from './start-reasons';

/** How a function works through its input. */
export interface Movement {
  /** Since when (ms) it has input and has acked nothing. */
  readonly stillSince: number;
  /** Tries that failed since. */
  readonly failures: number;
  /** Why the last of them failed, and which replica said so. */
  readonly lastFailure?: string;
  readonly failedReplica?: number;
}

/** Why a replica does not run, in one word and in one line. */
export interface ReplicaFault {
  readonly reason: string;
  readonly message: string;
}

/** What is looked at: all of it as it is at one time. */
export interface Look {
  readonly now: number;
  readonly workloads: readonly WorkloadState[];
  readonly progress: readonly FunctionProgress[];
  readonly reports: readonly ReplicaReport[];
  /** Functions that are not to move: paused, or ended. */
  readonly idle: ReadonlySet<string>;
}

/**
 * What one look at a flow cannot tell: since when something is so. One for each flow.
 *
 * I1. A finding has the `since` of the look that found it first, for as long as every look finds it.
 * I2. A function stands still from the first look at which it has input and has acked no more than at the look before;
 *     a number of acks that falls, as after a rewind, is movement.
 * I3. A replica that was ready once is not starting; the reason why it ended stays its reason until it is ready again
 *     and its function does not stand still: a record that ends it may come again any moment.
 * I4. Nothing is remembered of what the last look did not see.
 */
export class HealthMemory {
  private sinces: ReadonlyMap<string, string> = new Map();
  private movements: ReadonlyMap<string, Movement & { readonly acked: number }> = new Map();
  private failed: ReadonlyMap<string, number> = new Map();
  private readyOnce: ReadonlySet<string> = new Set();
  private crashes: ReadonlyMap<string, ReplicaFault> = new Map();

  /** Takes in a look before anything is asked about it. */
  observe(look: Look): void {
    const growth = this.takeReports(look.reports);
    this.movements = new Map(look.progress.map((each) => [each.function, this.moved(each, growth, look)]));
    const replicas = look.workloads.flatMap((workload) => workload.replicas);
    const seen = replicas.filter((replica) => replica.phase === 'ready' || this.wasReady(replica));
    this.readyOnce = new Set(seen.map(identityOf));
    const crashes = look.workloads.flatMap((workload) => {
      const { stillSince = look.now } = this.movements.get(workload.function) ?? {};
      return workload.replicas.flatMap((replica) => this.crashOf(replica, stillSince < look.now));
    });
    this.crashes = new Map(crashes);
  }

  movementOf(functionId: string): Movement | undefined {
    return this.movements.get(functionId);
  }

  wasReady(replica: ReplicaState): boolean {
    return this.readyOnce.has(identityOf(replica));
  }

  /** Why a replica did not run, as long as that is still to be told. (I3) */
  lastFaultOf(replica: string): ReplicaFault | undefined {
    return this.crashes.get(replica);
  }

  /** The findings of a look, each with the time since when it is so. */
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
    const fault = isFault ? { reason, message: message ?? `it is ${phase}` } : this.crashes.get(name);
    return fault === undefined ? [] : [[name, fault]];
  }

  /** The reports in which more tries have failed than before, and how many more. Pods may have the same numbers. */
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
    { now, idle }: Look,
  ): Movement & { readonly acked: number } {
    const acked = inputs.reduce((sum, input) => sum + input.acked, 0);
    const hasInput = inputs.some((input) => input.pending + input.ackPending > 0);
    const before = this.movements.get(id);
    const isStill = before?.acked === acked && hasInput && !idle.has(id);
    if (before === undefined || !isStill) return { acked, stillSince: now, failures: 0 };
    const grown = growth.filter((report) => report.function === id);
    const last = grown.at(-1);
    return {
      ...before,
      failures: grown.reduce((sum, { more }) => sum + more, before.failures),
      ...(last?.lastFailure === undefined ? {} : { lastFailure: last.lastFailure, failedReplica: last.replica }),
    };
  }
}

/** A report, and how many more tries have failed since the one before. */
interface Growth extends ReplicaReport {
  readonly more: number;
}

/** One that somebody has started anew, as for an update, may have the same name. */
function identityOf({ name, specHash = '' }: ReplicaState): string {
  return `${name} ${specHash}`;
}

function keyOf({ function: id, replica = '', reason, about = '' }: Finding): string {
  return [id, replica, reason, about].join('\n');
}
