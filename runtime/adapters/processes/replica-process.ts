import { closeSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { StateError } from '../../../lib/errors';
import { Backoff } from '../../async/backoff';
import type { ReplicaPhase, ReplicaState } from '../../controller/ports/cluster';
import { type GuardedProcess, type ProcessExit, spawnGuarded } from './guard';
import type { ReplicaLog } from './replica-log';
import { ReplicaProbe } from './replica-probe';

/** The file in a replica's folder that holds the replica's pid while the replica runs. */
export const pidFileName = 'pid';

export interface ReplicaProcessProps {
  /** `<function>-<number>` */
  readonly name: string;
  readonly number: number;
  /** What it was made from: another template, another replica. */
  readonly templateDigest: string;
  readonly specHash?: string;
  /** How long it may finish what it holds. */
  readonly graceMs: number;
  /** JavaScript that node runs. */
  readonly program: string;
  /** A folder of its own. */
  readonly folder: string;
  readonly log: ReplicaLog;
  /** Its whole environment, asked for before each start. Throws while something of it is not there. */
  readonly environment: () => NodeJS.ProcessEnv;
  /** What follows on an end that nobody asked for. */
  readonly judge: (exit: ProcessExit) => 'again' | 'over';
  readonly onChange: () => void;
}

/** `over`: it has ended, and is not started any more. */
type Phase = Exclude<ReplicaPhase, 'succeeded' | 'failed'> | 'over';

const allowed: { readonly [phase in Phase]: readonly Phase[] } = {
  starting: ['ready', 'not-ready', 'waiting', 'ending', 'over'],
  ready: ['not-ready', 'waiting', 'ending', 'over'],
  'not-ready': ['ready', 'waiting', 'ending', 'over'],
  waiting: ['starting', 'over'],
  ending: ['over'],
  over: [],
};

/** Waits between an end and the next start. */
const waits = { firstMs: 250, maxMs: 30_000 };
/** A replica that ran this long starts over with short waits. */
const stableAfterMs = 30_000;
/** Between tries of a start for which something is missing. */
const retryStartMs = 1_000;

/**
 * One replica of a workload as a process, started again after an end with growing waits.
 *
 * I1. At most one process runs; the next one starts after the last one's exit was seen.
 * I2. After `stop` nothing is started any more, and no end is judged.
 */
export class ReplicaProcess {
  private current: Phase = 'starting';
  private process: GuardedProcess | undefined;
  private probe: ReplicaProbe | undefined;
  private timer: NodeJS.Timeout | undefined;
  private restarts = 0;
  private since = new Date();
  private startedAt = Date.now();
  /** How it ended last: `exit 1`, `SIGKILL`. */
  lastExit: string | undefined;
  private reason: { readonly reason?: string; readonly message?: string } = {};
  private readonly backoff = new Backoff(waits);

  constructor(readonly props: ReplicaProcessProps) {
    this.start();
  }

  get phase(): Phase {
    return this.current;
  }

  /** How it ended last, with the last it said, in one line; empty while it never has. */
  get lastWords(): string {
    const said = this.props.log.lastError();
    return said === '' ? (this.lastExit ?? '') : `${this.lastExit}: ${said}`;
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

  /** Ends it for good; what it holds it finishes within its grace time or `atMostMs`, then it is killed. */
  async stop(atMostMs = Number.POSITIVE_INFINITY): Promise<void> {
    clearTimeout(this.timer);
    if (this.process === undefined) {
      if (this.current !== 'over') this.enter('over');
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
      // what is missing may be applied, and what is full be emptied, at any time
      this.wait({ reason: 'CreateContainerError', message: (error as Error).message }, retryStartMs);
      return;
    }
    this.probe = new ReplicaProbe({
      portFile: this.portFile,
      onAnswer: (whyNot) => this.onAnswer(whyNot),
      onDead: () => void this.process?.stop(this.props.graceMs),
    });
    void this.process.exited.then((exit) => this.onExit(exit));
  }

  private spawn(): GuardedProcess {
    const { folder, log, program, environment } = this.props;
    mkdirSync(folder, { recursive: true });
    rmSync(this.portFile, { force: true });
    const http = { KFLOW_HTTP_HOST: '127.0.0.1', KFLOW_HTTP_PORT: '0', KFLOW_HTTP_PORT_FILE: this.portFile };
    const env = { ...environment(), ...http };
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
      void started.stop(0); // I1: one that nobody keeps must not run
      throw error;
    }
  }

  private get portFile(): string {
    return path.join(this.props.folder, 'http-port');
  }

  /** There while it runs. */
  private get pidFile(): string {
    return path.join(this.props.folder, pidFileName);
  }

  private onAnswer(whyNot: string | undefined): void {
    this.props.log.rotate();
    if (whyNot === undefined) this.become('ready', {});
    else if (this.current === 'starting') this.become('starting', { message: whyNot });
    else this.become('not-ready', { reason: 'NotReady', message: whyNot });
  }

  private onExit(exit: ProcessExit): void {
    this.probe?.close();
    this.process = undefined;
    rmSync(this.pidFile, { force: true });
    this.lastExit = exit.signal ?? `exit ${exit.code}`;
    if (this.current === 'ending') {
      this.enter('over');
      return;
    }
    try {
      if (this.props.judge(exit) === 'over') this.enter('over');
      else this.waitAfterEnd(this.lastWords);
    } catch (error) {
      // an end that cannot be kept, as on a full disk, has not happened
      this.waitAfterEnd((error as Error).message);
    }
  }

  private waitAfterEnd(message: string): void {
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
      throw new StateError('state-invalid', `replica ${this.props.name} is ${this.current}, not to become ${phase}`);
    }
    this.current = phase;
    this.reason = reason;
    this.since = new Date();
    this.props.onChange();
  }
}
