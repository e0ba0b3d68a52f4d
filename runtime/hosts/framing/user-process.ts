import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { ConfigError, KFlowError } from '../../../lib/errors';
import type { LogLevel } from '../../engine/ports/host';
import { FrameReader, type FromProcess } from './frames';

/** The program of a language that runs user code: it gets the path of a Unix socket as its last argument. */
export interface HostProgram {
  /** As messages name it: `Python`. */
  readonly language: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Exit status with which the program reports that this version of the language is not supported. */
  readonly unsupportedStatus: number;
  /** What to install or set when the program cannot run. */
  readonly remedy: string;
}

export interface UserProcessEvents {
  frame(type: FromProcess, body: Buffer): void;
  /** A line that did not come in a frame: from native code, or from a process that user code started. */
  line(level: LogLevel, text: string): void;
  /** The process has exited, or could not start. No other event follows. */
  exited(cause: KFlowError): void;
}

const maxLastLines = 20;
/** How long the output of a dead process is still read: its own children may keep the pipes open. */
const drainMs = 500;
const killAfterMs = 5000;

/** One process of user code and the socket to it. The socket lies in a directory of its own, removed at the end. */
export class UserProcess {
  private directory = '';
  private readonly lastLines: string[] = [];
  private readonly server = createServer();
  private process: ChildProcess | undefined;
  private socket: Socket | undefined;
  private resolveExit: () => void = () => undefined;
  private readonly whenExited = new Promise<void>((resolve) => {
    this.resolveExit = resolve;
  });
  private hasExited = false;

  constructor(
    private readonly program: HostProgram,
    private readonly events: UserProcessEvents,
  ) {}

  /** Starts the program; resolves when it has connected or exited. */
  async start(): Promise<void> {
    this.directory = mkdtempSync(join(tmpdir(), 'kflow-'));
    const path = join(this.directory, 's');
    const connected = new Promise<void>((resolve) => {
      this.server.once('connection', (socket) => {
        this.listenTo(socket);
        resolve();
      });
    });
    await new Promise<void>((resolve, reject) => this.server.once('error', reject).listen(path, resolve));
    this.spawn(path);
    await Promise.race([connected, this.whenExited]);
    this.server.close();
  }

  send(pieces: readonly Uint8Array[]): void {
    if (this.socket === undefined || this.hasExited) return;
    this.socket.cork();
    for (const piece of pieces) this.socket.write(piece);
    this.socket.uncork();
  }

  /** Waits until the process exits, and kills it after 5 s. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.kill(), killAfterMs);
    await this.whenExited;
    clearTimeout(timer);
  }

  kill(): void {
    this.process?.kill('SIGKILL');
  }

  private spawn(path: string): void {
    const { command, args, env } = this.program;
    const child = spawn(command, [...args, path], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.process = child;
    this.listenToLines(child.stdout, 'INFO');
    this.listenToLines(child.stderr, 'WARNING');
    const drained = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.once('error', (error) => this.exit(this.cannotRun(error.message, error)));
    child.once('exit', (status, signal) => {
      const timeout = setTimeout(() => this.exit(this.causeOf(status, signal)), drainMs);
      void Promise.all([drained, this.whenSocketCloses()]).then(() => {
        clearTimeout(timeout);
        this.exit(this.causeOf(status, signal));
      });
    });
  }

  private listenTo(socket: Socket): void {
    this.socket = socket;
    const reader = new FrameReader((type, body) => this.events.frame(type, body));
    socket.on('data', (chunk) => reader.push(chunk as Buffer));
    // The process has exited; its exit status says more than this error.
    socket.on('error', () => socket.destroy());
  }

  private listenToLines(stream: Readable, level: LogLevel): void {
    createInterface({ input: stream }).on('line', (line) => {
      if (level === 'WARNING') this.lastLines.push(line);
      if (this.lastLines.length > maxLastLines) this.lastLines.shift();
      this.events.line(level, line);
    });
  }

  private async whenSocketCloses(): Promise<void> {
    const { socket } = this;
    if (socket === undefined || socket.closed) return;
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  }

  private causeOf(status: number | null, signal: string | null): KFlowError {
    const { language, unsupportedStatus } = this.program;
    const lines = this.lastLines.join('\n');
    if (status === unsupportedStatus && this.socket === undefined) return this.cannotRun(lines);
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
    this.socket?.destroy();
    this.server.close();
    rmSync(this.directory, { recursive: true, force: true });
    this.events.exited(cause);
    this.resolveExit();
  }
}
