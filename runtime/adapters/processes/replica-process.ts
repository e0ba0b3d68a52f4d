import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { StateError } from '../../../lib/errors';
import { ExitCode } from '../../../lib/plan/exit-code';
import { Backoff } from '../../engine/backoff';
import { type GuardedProcess, type ProcessExit, spawnGuarded } from './guard';

/** A replica's life: it runs, waits to be started again, and ends well or badly. */
export type ReplicaPhase = 'running' | 'backing-off' | 'succeeded' | 'failed' | 'stopped';

export interface ReplicaStatus {
  readonly function: string;
  readonly replica: number;
  readonly phase: ReplicaPhase;
  readonly pid: number | undefined;
  readonly restarts: number;
  /** How it ended last: `exit 1`, `SIGKILL`; absent while it never has. */
  readonly lastExit?: string;
  readonly logFile: string;
}

export interface ReplicaProcessOptions {
  readonly function: string;
  readonly replica: number;
  readonly env: { readonly [name: string]: string };
  readonly logFile: string;
  /** A Job's replica ends with exit 0; a Deployment's is started again whenever it ends. */
  readonly isJob: boolean;
  /** Failures after which a Job's replica is not started again. */
  readonly backoffLimit: number;
  readonly onChange: (status: ReplicaStatus) => void;
}

const allowed: { readonly [phase in ReplicaPhase]: readonly ReplicaPhase[] } = {
  running: ['backing-off', 'succeeded', 'failed', 'stopped'],
  'backing-off': ['running', 'stopped'],
  succeeded: ['stopped'],
  failed: ['stopped'],
  stopped: [],
};

/** A replica that ran this long starts over with short waits. */
const stableAfterMs = 30_000;

/** One replica as a process, started again after a failure with growing waits. */
export class ReplicaProcess {
  private phase: ReplicaPhase = 'running';
  private process: GuardedProcess | undefined;
  private restarts = 0;
  private lastExit: string | undefined;
  private startedAt = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly backoff = new Backoff({ firstMs: 250, maxMs: 30_000 });

  constructor(private readonly options: ReplicaProcessOptions) {}

  get status(): ReplicaStatus {
    const { function: functionId, replica, logFile } = this.options;
    return {
      function: functionId,
      replica,
      phase: this.phase,
      pid: this.phase === 'running' ? this.process?.pid : undefined,
      restarts: this.restarts,
      logFile,
      ...(this.lastExit === undefined ? {} : { lastExit: this.lastExit }),
    };
  }

  start(): void {
    this.startedAt = Date.now();
    const log = openSync(this.options.logFile, 'a');
    try {
      this.process = spawnGuarded({
        command: process.execPath,
        args: [path.join(__dirname, '../../replica/main.js')],
        // replicas of one machine have no port of their own
        env: { ...process.env, KFLOW_HTTP_PORT: undefined, ...this.options.env },
        stdout: log,
        stderr: log,
      });
    } finally {
      closeSync(log);
    }
    void this.process.exited.then((exit) => this.onExit(exit));
    this.options.onChange(this.status);
  }

  /** Ends it for good; what it holds it finishes within the grace time, then it is killed. */
  async stop(graceMs: number): Promise<void> {
    clearTimeout(this.timer);
    const isRunning = this.phase === 'running';
    if (this.phase !== 'stopped') this.enter('stopped');
    if (isRunning) await this.process?.stop(graceMs);
  }

  private onExit(exit: ProcessExit): void {
    if (this.phase === 'stopped') return;
    this.lastExit = exit.signal ?? `exit ${exit.code}`;
    if (exit.code === ExitCode.Done && this.options.isJob) {
      this.enter('succeeded');
      return;
    }
    const isHopeless =
      exit.code === ExitCode.Misconfigured || (this.options.isJob && this.restarts >= this.options.backoffLimit);
    if (isHopeless) {
      this.enter('failed');
      return;
    }
    const wait = Date.now() - this.startedAt > stableAfterMs ? this.backoff.first() : this.backoff.next();
    this.enter('backing-off');
    this.timer = setTimeout(() => {
      this.restarts++;
      this.enter('running');
      this.start();
    }, wait);
  }

  private enter(phase: ReplicaPhase): void {
    if (!allowed[this.phase].includes(phase)) {
      throw new StateError(
        'state-invalid',
        `replica ${this.options.function}-${this.options.replica} is ${this.phase}, not to become ${phase}`,
      );
    }
    this.phase = phase;
    if (phase !== 'running') this.options.onChange(this.status);
  }
}
