import { closeSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigError, type KFlowError } from '../../lib/errors';
import { type GuardedProcess, type ProcessExit, spawnGuarded } from '../adapters/processes/guard';
import { Backoff } from '../async/backoff';
import { pause } from '../async/pause';
import { retry } from '../async/retry';
import { choosePort, type PortChoice } from './choose-port';
import type { Progress } from './server-catalog';
import type { ServerEvent } from './server-event';

/**
 * Supervises one server process.
 *
 * I1. The port never changes, because clients hold the address.
 * I2. At most one process runs; the next one starts only after the exit of the previous one.
 * I3. After stop(), no process is started.
 */
const readyTimeoutMs = 90_000;
const probeDelays = { firstMs: 50, maxMs: 50 };
/** An exit counts as early when the server was not ready yet, or ran for less than this. */
const shortRunMs = 1_000;
const earlyEndWindowMs = 10_000;
const maxEarlyEnds = 3;
const restartDelays = { firstMs: 100, maxMs: 5_000 };
const logLines = 12;

/** Options of every embedded server. */
export interface ServerOptions {
  /** Holds all data of the server, and its port; created if missing. */
  readonly dataDir: string;
  readonly port?: PortChoice;
  /** IPv4 address to listen at; loopback when left out. */
  readonly host?: string;
  /** The output of the server is appended to this file. */
  readonly logFile: string;
  /** Once ready, the server is restarted however often it ends; left out, the server fails after three early exits. */
  readonly restartsForever?: true;
  readonly progress?: Progress;
  /** Called on every event after the start. */
  readonly onEvent?: (event: ServerEvent) => void;
}

/** How to start one kind of server on a port, and how to probe its readiness. */
export interface ServerRecipe {
  readonly name: string;
  readonly command: string;
  readonly args: (port: number) => readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Resolves when the server is ready; rejects while it is not. */
  readonly probe: (port: number) => Promise<void>;
}

export interface RunningServer {
  /** Pid of the current process; undefined between an exit and the restart. */
  pid(): number | undefined;
  /** Ends the server: SIGTERM, then SIGKILL after `graceMs` (5 s when left out). */
  stop(graceMs?: number): Promise<void>;
}

/**
 * Starts a server, waits until it is ready, and restarts it with backoff when it exits. Throws ConfigError `server-failed`
 * with the last lines of the log when the server exits three times within ten seconds or does not become ready.
 */
export async function runServer(
  recipe: ServerRecipe,
  options: ServerOptions,
): Promise<RunningServer & { readonly port: number }> {
  mkdirSync(options.dataDir, { recursive: true });
  mkdirSync(dirname(options.logFile), { recursive: true });
  const port = await choosePort(recipe.name, options.dataDir, { ...options.port, host: options.host });
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
  private wasReady = false;

  constructor(
    private readonly recipe: ServerRecipe,
    private readonly options: ServerOptions,
    private readonly port: number,
  ) {}

  /** Resolves when the server is ready for the first time. */
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
    const backoff = new Backoff(restartDelays);
    for (let run = 0; !this.stopping.signal.aborted; run++) {
      const startedAt = Date.now();
      const process = this.spawn();
      let isReady = false;
      const onReady = (): void => {
        isReady = true;
        if (run > 0) this.report({ type: 'restarted', server: name, pid: process.pid });
        this.wasReady = true;
        ready.resolve();
      };
      this.waitUntilReady(process, onReady).catch((error: KFlowError) => this.giveUp(error, ready));
      const exit = await process.exited;
      this.process = undefined;
      if (this.stopping.signal.aborted) break;
      this.report({ type: 'ended', server: name, exit });
      const isEarly = !isReady || Date.now() - startedAt < shortRunMs;
      if (isEarly && this.endsTooOften(Date.now())) {
        this.giveUp(this.failure(`exited ${maxEarlyEnds} times within ${earlyEndWindowMs / 1000} s`, exit), ready);
        break;
      }
      if (Date.now() - startedAt > earlyEndWindowMs) backoff.reset();
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

  /** Returns without an error when the process has exited, which `keepRunning` handles. */
  private async waitUntilReady(process: GuardedProcess, onReady: () => void): Promise<void> {
    const isCurrent = () => this.process === process;
    const options = { isRetryable: isCurrent, delays: probeDelays, timeoutMs: readyTimeoutMs };
    try {
      await retry(() => this.recipe.probe(this.port), options);
    } catch (error) {
      if (!isCurrent() || (this.wasReady && this.options.restartsForever)) return;
      throw this.failure(`was not ready within ${readyTimeoutMs / 1000} s (${(error as Error).message})`);
    }
    if (isCurrent()) onReady();
  }

  private endsTooOften(now: number): boolean {
    if (this.wasReady && this.options.restartsForever) return false;
    this.earlyEnds = [...this.earlyEnds.filter((at) => now - at < earlyEndWindowMs), now];
    return this.earlyEnds.length >= maxEarlyEnds;
  }

  private giveUp(error: KFlowError, ready: Ready): void {
    this.stopping.abort();
    this.report({ type: 'failed', server: this.recipe.name, error });
    ready.reject(error);
    void this.process?.stop();
  }

  /** Until the server is ready for the first time, only the outcome of `start` reports its state. */
  private report(event: ServerEvent): void {
    if (this.wasReady) this.options.onEvent?.(event);
  }

  private failure(reason: string, exit?: ProcessExit): ConfigError {
    const { logFile } = this.options;
    const written = readFileSync(logFile).subarray(this.logStart).toString('utf8').trim();
    const last = written.split('\n').slice(-logLines);
    const how = exit === undefined ? '' : ` (${exit.signal ?? `exit ${exit.code}`})`;
    const lines = [`${this.recipe.name} ${reason}${how}; the end of ${logFile}:`, ...last.map((line) => `    ${line}`)];
    return new ConfigError('server-failed', lines.join('\n'), { where: this.recipe.name });
  }
}
