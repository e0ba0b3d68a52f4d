import { closeSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { StateError } from '../../../lib/errors';
import { ExitCode } from '../../../lib/plan/replica-lifecycle';
import { Backoff } from '../../async/backoff';
import type { ReplicaPhase, ReplicaState } from '../../controller/ports/cluster';
import type { MetricsPage } from '../../metrics-page';
import { type GuardedProcess, type ProcessExit, spawnGuarded } from './guard';
import { packOddVariables } from './odd-variables';
import type { ReplicaLog } from './replica-log';
import { ReplicaProbe, readReplicaPage } from './replica-probe';

/** The file in a replica's folder that holds the replica's pid while the replica runs. */
export const pidFileName = 'pid';

export interface ReplicaProcessProps {
  /** `<function>-<number>` */
  readonly name: string;
  readonly number: number;
  /** Digest of the pod template that the replica was created from. */
  readonly templateDigest: string;
  readonly specHash?: string;
  /** Time to finish the records in flight after SIGTERM. */
  readonly graceMs: number;
  /** JavaScript file that Node runs. */
  readonly program: string;
  /** The replica's own folder. */
  readonly folder: string;
  readonly log: ReplicaLog;
  /** The complete environment, called before each start. Throws while an object that it refers to is missing. */
  readonly environment: () => NodeJS.ProcessEnv;
  /** Decides whether a process that ended without a request is restarted. */
  readonly afterExit: (exit: ProcessExit) => 'restart' | 'end';
  readonly onChange: () => void;
  /** Called with the exit when the process ended with an error after it was asked to end: something was left undone. */
  readonly onFailedStop: (message: string) => void;
}

/** `ended`: the process has ended and is not restarted. */
type Phase = Exclude<ReplicaPhase, 'succeeded' | 'failed'> | 'ended';

const allowed: { readonly [phase in Phase]: readonly Phase[] } = {
  starting: ['ready', 'not-ready', 'waiting', 'ending', 'ended'],
  ready: ['not-ready', 'waiting', 'ending', 'ended'],
  'not-ready': ['ready', 'waiting', 'ending', 'ended'],
  waiting: ['starting', 'ended'],
  ending: ['ended'],
  ended: [],
};

/** Delays between an exit and the restart. */
const restartDelays = { firstMs: 250, maxMs: 30_000 };
/** The backoff is reset after a run of this length. */
const stableAfterMs = 30_000;
/** Delay between attempts to start a replica whose environment is incomplete. */
const retryStartMs = 1_000;

/**
 * One replica of a workload as a process, restarted with backoff.
 *
 * I1. At most one process runs; the next one starts only after the exit of the previous one.
 * I2. After `stop`, no process is started, and `afterExit` is not called.
 */
export class ReplicaProcess {
  private current: Phase = 'starting';
  private process: GuardedProcess | undefined;
  private probe: ReplicaProbe | undefined;
  private timer: NodeJS.Timeout | undefined;
  private restarts = 0;
  private since = new Date();
  private startedAt = Date.now();
  /** How the last process ended: `exit 1`, `SIGKILL`. */
  lastExit: string | undefined;
  private reason: { readonly reason?: string; readonly message?: string } = {};
  private readonly backoff = new Backoff(restartDelays);

  constructor(readonly props: ReplicaProcessProps) {
    this.start();
  }

  get phase(): Phase {
    return this.current;
  }

  /** The last exit and the last error in the log, on one line; empty before the first exit. */
  get exitMessage(): string {
    const error = this.props.log.lastError();
    return error === '' ? (this.lastExit ?? '') : `${this.lastExit}: ${error}`;
  }

  get state(): Omit<ReplicaState, 'phase'> {
    const { name, specHash } = this.props;
    return {
      name,
      ...this.reason,
      restarts: this.restarts,
      since: this.since.toISOString(),
      ...(specHash === undefined ? {} : { specHash }),
    };
  }

  /** The metrics of the running process; undefined if it exports none. */
  async metrics(): Promise<MetricsPage | undefined> {
    if (this.process === undefined) return undefined;
    const page = await readReplicaPage(this.portFile, '/metrics');
    return page?.isOk === true ? { replica: this.props.name, text: page.text } : undefined;
  }

  /** Ends the replica: SIGTERM, then SIGKILL after the grace time or `atMostMs`, whichever is shorter. */
  async stop(atMostMs = Number.POSITIVE_INFINITY): Promise<void> {
    clearTimeout(this.timer);
    if (this.process === undefined) {
      if (this.current !== 'ended') this.enter('ended');
      return;
    }
    if (this.current !== 'ending') this.enter('ending');
    this.probe?.close();
    await this.process.stop(Math.min(this.props.graceMs, atMostMs));
  }

  private start(): void {
    this.startedAt = Date.now();
    try {
      this.process = this.spawn();
    } catch (error) {
      // a missing object may be applied, and a full disk freed, at any time
      this.wait({ reason: 'CreateContainerError', message: (error as Error).message }, retryStartMs);
      return;
    }
    this.probe = new ReplicaProbe({
      portFile: this.portFile,
      onReadiness: (reason) => this.onReadiness(reason),
      onDead: () => void this.process?.stop(this.props.graceMs),
    });
    void this.process.exited.then((exit) => this.onExit(exit));
  }

  private spawn(): GuardedProcess {
    const { folder, log, program, environment } = this.props;
    mkdirSync(folder, { recursive: true });
    rmSync(this.portFile, { force: true });
    const http = { KFLOW_HTTP_HOST: '127.0.0.1', KFLOW_HTTP_PORT: '0', KFLOW_HTTP_PORT_FILE: this.portFile };
    const env = packOddVariables({ ...environment(), ...http });
    const output = log.open();
    try {
      const streams = { stdout: output, stderr: output };
      return this.withPidFile(spawnGuarded({ command: process.execPath, args: [program], env, ...streams }));
    } finally {
      closeSync(output);
    }
  }

  private withPidFile(started: GuardedProcess): GuardedProcess {
    try {
      writeFileSync(this.pidFile, String(started.pid));
      return started;
    } catch (error) {
      void started.stop(0); // I1: a process without an owner must not run
      throw error;
    }
  }

  private get portFile(): string {
    return path.join(this.props.folder, 'http-port');
  }

  /** Exists while the process runs. */
  private get pidFile(): string {
    return path.join(this.props.folder, pidFileName);
  }

  private onReadiness(reason: string | undefined): void {
    this.props.log.rotate();
    if (reason === undefined) this.become('ready', {});
    else if (this.current === 'starting') this.become('starting', { message: reason });
    else this.become('not-ready', { reason: 'NotReady', message: reason });
  }

  private onExit(exit: ProcessExit): void {
    this.probe?.close();
    this.process = undefined;
    rmSync(this.pidFile, { force: true });
    this.lastExit = exit.signal ?? `exit ${exit.code}`;
    if (this.current === 'ending') {
      const { code } = exit;
      if (code !== null && code !== ExitCode.Done && code !== ExitCode.Stopped)
        this.props.onFailedStop(this.exitMessage);
      this.enter('ended');
      return;
    }
    try {
      if (this.props.afterExit(exit) === 'end') this.enter('ended');
      else this.backOff(this.exitMessage);
    } catch (error) {
      // an exit that cannot be recorded, as on a full disk, is followed by a restart
      this.backOff((error as Error).message);
    }
  }

  private backOff(message: string): void {
    if (Date.now() - this.startedAt > stableAfterMs) this.backoff.reset();
    this.wait({ reason: 'CrashLoopBackOff', message }, this.backoff.next());
  }

  private wait(reason: { readonly reason: string; readonly message: string }, waitMs: number): void {
    this.become('waiting', reason);
    this.timer = setTimeout(() => {
      if (reason.reason === 'CrashLoopBackOff') this.restarts++;
      this.enter('starting');
      this.start();
    }, waitMs);
  }

  private become(phase: Phase, reason: { readonly reason?: string; readonly message?: string }): void {
    if (phase === this.current && reason.message === this.reason.message) return;
    if (phase === this.current) {
      this.reason = reason;
      this.props.onChange();
    } else this.enter(phase, reason);
  }

  private enter(phase: Phase, reason: { readonly reason?: string; readonly message?: string } = {}): void {
    if (!allowed[this.current].includes(phase)) {
      throw new StateError(
        'state-invalid',
        `replica ${this.props.name} cannot change from ${this.current} to ${phase}`,
      );
    }
    this.current = phase;
    this.reason = reason;
    this.since = new Date();
    this.props.onChange();
  }
}
