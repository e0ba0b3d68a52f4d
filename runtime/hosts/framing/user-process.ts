import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { ConfigError, KFlowError } from '../../../lib/errors';
import { timing } from '../../../lib/plan/replica-lifecycle';
import type { LogLevel } from '../../engine/ports/host';
import { FrameReader, type FromProcess, fromProcessLimits, ProtocolError } from './frames';
import { Lines } from './lines';

/** The program of a language that runs user code. It reads frames from descriptor 3 and writes frames to descriptor 4. */
export interface HostProgram {
  /** As messages name it: `Python`. */
  readonly language: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Exit status, before any frame, with which the program reports that this version of the language is not supported. */
  readonly unsupportedStatus?: number;
  /** What to install or set when the program cannot run. */
  readonly remedy: string;
}

export interface UserProcessEvents {
  /** A frame. Throws ProtocolError when the process may not send it now. */
  frame(type: FromProcess, body: Buffer): void;
  /** A line that did not come in a frame: from native code, or from a process that user code started. */
  line(level: LogLevel, text: string): void;
  /** The process has exited, or could not start. No other event follows. */
  exited(cause: KFlowError): void;
}

const maxLastLines = 20;
/** How long the output of a dead process is still read: its own children may keep the pipes open. */
const drainMs = 500;
const killAfterMs = timing.hostExitSeconds * 1_000;
/** How long a process may live after it has closed its side of the frames. */
const closedMs = 1000;

/** Waits for a line; when its input ends without one, the runtime has died, and it kills the group of the process. */
const watcherScript = `trap '' HUP INT TERM; read -r _ || kill -s KILL -- "-$1"`;

/**
 * One process of user code, and the frames to and from it.
 * P1. A process that sends what is no frame, or closes its side of the frames, is killed.
 * P2. `exited` is called once; frames that were sent before the exit precede it.
 * P3. The process leads a group of its own, and what it started ends with it, also when the runtime is killed.
 */
export class UserProcess {
  private readonly lastLines: string[] = [];
  private process: ChildProcess | undefined;
  private watcher: ChildProcess | undefined;
  private toProcess: Socket | undefined;
  private fromProcess: Socket | undefined;
  private hasSent = false;
  private fault: string | undefined;
  private resolveExit: () => void = () => undefined;
  private readonly whenExited = new Promise<void>((resolve) => {
    this.resolveExit = resolve;
  });
  private hasExited = false;

  constructor(
    private readonly program: HostProgram,
    private readonly events: UserProcessEvents,
  ) {}

  start(): void {
    const { command, args, env } = this.program;
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'];
    const child = spawn(command, [...args], { env, stdio, detached: true });
    this.process = child;
    this.toProcess = child.stdio[3] as Socket;
    const [, stdout, stderr] = child.stdio as Readable[];
    const lines = [this.listenToLines(stdout, 'INFO'), this.listenToLines(stderr, 'WARNING')];
    this.fromProcess = child.stdio[4] as Socket;
    this.listenToFrames(this.fromProcess);
    child.once('error', (error) => this.exit(this.cannotRun(error.message, error)));
    // every pipe of the process has been read to its end
    const drained = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.once('exit', (status, signal) => {
      this.signalKill();
      const end = () => {
        for (const each of lines) each.end();
        this.exit(this.causeOf(status, signal));
      };
      const timeout = setTimeout(end, drainMs);
      void drained.then(() => {
        clearTimeout(timeout);
        end();
      });
    });
    if (child.pid !== undefined) this.watch(child.pid);
  }

  send(pieces: readonly Uint8Array[]): void {
    const { toProcess } = this;
    if (toProcess === undefined || this.hasExited) return;
    toProcess.cork();
    for (const piece of pieces) toProcess.write(piece);
    toProcess.uncork();
  }

  /** Reads no frames until `resume`. */
  pause(): void {
    this.fromProcess?.pause();
  }

  resume(): void {
    this.fromProcess?.resume();
  }

  /** Waits until the process exits; kills it when it takes too long. */
  async stop(): Promise<void> {
    if (this.process === undefined) return;
    const timer = setTimeout(() => this.signalKill(), killAfterMs);
    await this.whenExited;
    clearTimeout(timer);
  }

  /** Kills the process; resolves when it is gone. */
  async kill(): Promise<void> {
    this.signalKill();
    await this.stop();
  }

  /** Ends a process that does not keep to the protocol; `fault` becomes the cause of its exit. */
  private break(fault: string): void {
    if (this.fault !== undefined || this.hasExited) return;
    this.fault = fault;
    this.signalKill();
  }

  /** Kills the process and what it started. */
  private signalKill(): void {
    const pid = this.process?.pid;
    if (pid === undefined || this.hasExited) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // none of them is left
    }
  }

  private listenToFrames(socket: Socket): void {
    const reader = new FrameReader(fromProcessLimits, (type, body) => {
      this.hasSent = true;
      this.events.frame(type, body);
    });
    const receive = (chunk: Buffer) => {
      if (this.fault !== undefined || this.hasExited) return;
      try {
        reader.push(chunk);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.break(error.message);
      }
    };
    socket.on('data', receive);
    this.toProcess?.on('data', () => this.break('it wrote to the descriptor of its input'));
    const closed = () => setTimeout(() => this.break('it closed its side'), closedMs).unref();
    for (const each of [socket, this.toProcess]) {
      each?.once('end', closed);
      // The exit of the process says more than this error.
      each?.on('error', () => each.destroy());
    }
  }

  private listenToLines(stream: Readable | undefined, level: LogLevel): Lines {
    const lines = new Lines((line) => {
      if (level === 'WARNING') this.lastLines.push(line);
      if (this.lastLines.length > maxLastLines) this.lastLines.shift();
      this.events.line(level, line);
    }, 'line');
    stream?.on('data', (chunk: Buffer) => lines.write(chunk));
    return lines;
  }

  /** Starts a shell that kills the process when the runtime is killed, even while user code never returns. */
  private watch(pid: number): void {
    const args = ['-c', watcherScript, 'kflow-watcher', String(pid)];
    const watcher = spawn('/bin/sh', args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    watcher.once('error', () => undefined); // without a shell, the process ends when user code returns
    watcher.stdin?.on('error', () => undefined);
    watcher.unref();
    this.watcher = watcher;
  }

  private causeOf(status: number | null, signal: string | null): KFlowError {
    const { language, unsupportedStatus } = this.program;
    const lines = this.lastLines.join('\n');
    if (!this.hasSent && status !== null && status === unsupportedStatus) return this.cannotRun(lines);
    if (this.fault !== undefined) return new KFlowError('host-failed', `${language} broke the protocol: ${this.fault}`);
    const how = signal === null ? `exited with code ${status}` : `was killed by ${signal}`;
    const code = signal === null ? 'host-exited' : 'host-failed';
    return new KFlowError(code, `${language} ${how}${lines === '' ? '' : `; last lines:\n${lines}`}`);
  }

  private cannotRun(why: string, cause?: unknown): ConfigError {
    const { language, command, remedy } = this.program;
    const message = `functions in ${language} cannot run with "${command}": ${why}; ${remedy}`;
    return new ConfigError('server-missing', message, { cause });
  }

  private exit(cause: KFlowError): void {
    if (this.hasExited) return;
    this.hasExited = true;
    this.watcher?.stdin?.end('\n');
    for (const pipe of this.process?.stdio ?? []) pipe?.destroy();
    this.events.exited(cause);
    this.resolveExit();
  }
}
