import { closeSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigError, type KFlowError } from '../../lib/errors';
import { type GuardedProcess, type ProcessExit, spawnGuarded } from '../adapters/processes/guard';
import { Backoff } from '../async/backoff';
import { pause } from '../async/pause';
import { retry } from '../async/retry';
import { keptPort, type PortWish } from './kept-port';
import type { Progress } from './server-catalog';
import type { ServerEvent } from './server-event';

/**
 * One server process that is kept running.
 *
 * I1. The port never changes once the server was ready: clients hold its address.
 * I2. At most one process runs; the next one starts after the last one's exit was seen.
 * I3. After stop() nothing is started any more.
 */
const READY_TIMEOUT_MS = 90_000;
const READY_POLL = { firstMs: 50, maxMs: 50 };
/** An end counts against a server when it had not answered, or had lived no longer than this. */
const SHORT_LIFE_MS = 1_000;
const EARLY_END_MS = 10_000;
const EARLY_ENDS_ALLOWED = 3;
const RESTART_DELAYS = { firstMs: 100, maxMs: 5_000 };
const LOG_LINES = 12;

/** What every server of the embedded default takes. */
export interface ServerOptions {
  /** Everything the server keeps is below this directory, its port as well; made when it does not exist. */
  readonly dataDir: string;
  readonly port?: PortWish;
  /** What the server prints is appended here. */
  readonly logFile: string;
  /** Once it has answered it is started again however often it ends; left out, three early ends are its last. */
  readonly keepsTrying?: true;
  readonly progress?: Progress;
  /** Told what happens after the start. */
  readonly onEvent?: (event: ServerEvent) => void;
}

/** How one kind of server is started on a port and how it is seen to be ready. */
export interface ServerRecipe {
  readonly name: string;
  readonly command: string;
  readonly args: (port: number) => readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Resolves when the server answers; any rejection means not yet. */
  readonly probe: (port: number) => Promise<void>;
}

export interface RunningServer {
  /** Pid of the present process; undefined between an end and its restart. */
  pid(): number | undefined;
  /** Ends the server for good: TERM, then KILL after `graceMs` (5 s when left out). */
  stop(graceMs?: number): Promise<void>;
}

/**
 * Starts a server, waits until it answers, and starts it again with growing pauses when it ends by itself. Throws
 * ConfigError `server-failed` with its last log lines when it ends three times within ten seconds or never answers.
 */
export async function runServer(
  recipe: ServerRecipe,
  options: ServerOptions,
): Promise<RunningServer & { readonly port: number }> {
  mkdirSync(options.dataDir, { recursive: true });
  mkdirSync(dirname(options.logFile), { recursive: true });
  const port = await keptPort(recipe.name, options.dataDir, options.port);
  const supervisor = new Supervisor(recipe, options, port);
  await supervisor.start();
  return { port, pid: () => supervisor.pid(), stop: (graceMs) => supervisor.stop(graceMs) };
}

interface Ready {
  readonly resolve: () => void;
  readonly reject: (error: KFlowError) => void;
}

class Supervisor {
  private readonly stopping = new AbortController();
  private process: GuardedProcess | undefined;
  private loop: Promise<void> = Promise.resolve();
  private logStart = 0;
  private earlyEnds: number[] = [];
  private hasAnswered = false;

  constructor(
    private readonly recipe: ServerRecipe,
    private readonly options: ServerOptions,
    private readonly port: number,
  ) {}

  /** Resolves when the server answers for the first time. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.loop = this.keepRunning({ resolve, reject });
    });
  }

  pid(): number | undefined {
    return this.process?.pid;
  }

  async stop(graceMs = 5_000): Promise<void> {
    this.stopping.abort();
    await this.process?.stop(graceMs);
    await this.loop;
  }

  private async keepRunning(ready: Ready): Promise<void> {
    const { name } = this.recipe;
    const backoff = new Backoff(RESTART_DELAYS);
    for (let run = 0; !this.stopping.signal.aborted; run++) {
      const startedAt = Date.now();
      const process = this.spawn();
      let isReady = false;
      const answered = (): void => {
        isReady = true;
        if (run > 0) this.report({ type: 'restarted', server: name, pid: process.pid });
        this.hasAnswered = true;
        ready.resolve();
      };
      this.waitUntilReady(process, answered).catch((error: KFlowError) => this.giveUp(error, ready));
      const exit = await process.exited;
      this.process = undefined;
      if (this.stopping.signal.aborted) break;
      this.report({ type: 'ended', server: name, exit });
      const isEarly = !isReady || Date.now() - startedAt < SHORT_LIFE_MS;
      if (isEarly && this.endsTooOften(Date.now())) {
        this.giveUp(this.failure(`ended ${EARLY_ENDS_ALLOWED} times within ${EARLY_END_MS / 1000} s`, exit), ready);
        break;
      }
      if (Date.now() - startedAt > EARLY_END_MS) backoff.reset();
      await pause(backoff.next(), this.stopping.signal);
    }
  }

  private spawn(): GuardedProcess {
    const { command, args, env } = this.recipe;
    const log = openSync(this.options.logFile, 'a');
    try {
      this.logStart = statSync(this.options.logFile).size;
      const cwd = this.options.dataDir;
      this.process = spawnGuarded({ command, args: args(this.port), env, cwd, stdout: log, stderr: log });
      writeFileSync(join(cwd, 'pid'), `${this.process.pid}\n`);
      return this.process;
    } finally {
      closeSync(log);
    }
  }

  /** Gives up silently when the process has ended, which the loop sees by itself. */
  private async waitUntilReady(process: GuardedProcess, answered: () => void): Promise<void> {
    const isCurrent = () => this.process === process;
    const options = { isRetryable: isCurrent, delays: READY_POLL, timeoutMs: READY_TIMEOUT_MS };
    try {
      await retry(() => this.recipe.probe(this.port), options);
    } catch (error) {
      if (!isCurrent() || (this.hasAnswered && this.options.keepsTrying)) return;
      throw this.failure(`did not answer within ${READY_TIMEOUT_MS / 1000} s (${(error as Error).message})`);
    }
    if (isCurrent()) answered();
  }

  private endsTooOften(now: number): boolean {
    if (this.hasAnswered && this.options.keepsTrying) return false;
    this.earlyEnds = [...this.earlyEnds.filter((at) => now - at < EARLY_END_MS), now];
    return this.earlyEnds.length >= EARLY_ENDS_ALLOWED;
  }

  private giveUp(error: KFlowError, ready: Ready): void {
    this.stopping.abort();
    this.report({ type: 'failed', server: this.recipe.name, error });
    ready.reject(error);
    void this.process?.stop();
  }

  /** Before the first answer, whoever waits for the start is told by its outcome alone. */
  private report(event: ServerEvent): void {
    if (this.hasAnswered) this.options.onEvent?.(event);
  }

  private failure(what: string, exit?: ProcessExit): ConfigError {
    const { logFile } = this.options;
    const written = readFileSync(logFile).subarray(this.logStart).toString('utf8').trim();
    const last = written.split('\n').slice(-LOG_LINES);
    const how = exit === undefined ? '' : ` (${exit.signal ?? `code ${exit.code}`})`;
    const lines = [`${this.recipe.name} ${what}${how}; the end of ${logFile}:`, ...last.map((line) => `    ${line}`)];
    return new ConfigError('server-failed', lines.join('\n'), { where: this.recipe.name });
  }
}
