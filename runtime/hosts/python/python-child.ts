import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { ConfigError, KFlowError } from '../../../lib/errors';
import type { LogLevel } from '../../engine/ports/host';
import { FrameReader } from '../framing/frame-reader';
import type { FromPython } from '../framing/frames';
import { pythonProgram } from './python-program';

export interface PythonChildEvents {
  frame(type: FromPython, body: Buffer): void;
  /** A line that did not come in a frame: from C code, or from a process that user code started. */
  line(level: LogLevel, text: string): void;
  /** The process is gone, or could not be started, and all it sent has been told. */
  ended(cause: KFlowError): void;
}

/** Exit status of a Python that is too old (`kfbasicpy/host/__main__.py`). */
const tooOldStatus = 9;
const maxLastLines = 20;
/** How long a dead process's pipes and socket are read on: a process of its own may hold them open. */
const drainMs = 500;
const killAfterMs = 5000;

/** One Python process and the socket to it; the socket lives in a directory of its own, removed at the end. */
export class PythonChild {
  private directory = '';
  private readonly lastLines: string[] = [];
  private readonly server = createServer();
  private process: ChildProcess | undefined;
  private socket: Socket | undefined;
  private resolveEnd: () => void = () => undefined;
  private readonly whenEnded = new Promise<void>((resolve) => {
    this.resolveEnd = resolve;
  });
  private hasEnded = false;

  constructor(
    private readonly env: NodeJS.ProcessEnv,
    private readonly events: PythonChildEvents,
  ) {}

  /** Starts Python and waits until it connects, or has ended. */
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
    await Promise.race([connected, this.whenEnded]);
    this.server.close();
  }

  send(pieces: readonly Uint8Array[]): void {
    if (this.socket === undefined || this.hasEnded) return;
    this.socket.cork();
    for (const piece of pieces) this.socket.write(piece);
    this.socket.uncork();
  }

  /** Waits for the process, which has been asked to end; kills it after 5 s. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.kill(), killAfterMs);
    await this.whenEnded;
    clearTimeout(timer);
  }

  kill(): void {
    this.process?.kill('SIGKILL');
  }

  private spawn(path: string): void {
    const { command, env } = pythonProgram(this.env);
    const child = spawn(command, ['-m', 'kfbasicpy.host', path], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.process = child;
    this.listenToLines(child.stdout, 'INFO');
    this.listenToLines(child.stderr, 'WARNING');
    const drained = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.once('error', (error) => this.end(missingPython(command, error.message, error)));
    child.once('exit', (status, signal) => {
      const timeout = setTimeout(() => this.end(this.causeOf(command, status, signal)), drainMs);
      void Promise.all([drained, this.whenSocketEnds()]).then(() => {
        clearTimeout(timeout);
        this.end(this.causeOf(command, status, signal));
      });
    });
  }

  private listenTo(socket: Socket): void {
    this.socket = socket;
    const reader = new FrameReader((type, body) => this.events.frame(type, body));
    socket.on('data', (chunk) => reader.push(chunk as Buffer));
    // A broken socket is the sign of an ended process, whose exit tells more.
    socket.on('error', () => socket.destroy());
  }

  private listenToLines(stream: Readable, level: LogLevel): void {
    createInterface({ input: stream }).on('line', (line) => {
      if (level === 'WARNING') this.lastLines.push(line);
      if (this.lastLines.length > maxLastLines) this.lastLines.shift();
      this.events.line(level, line);
    });
  }

  private async whenSocketEnds(): Promise<void> {
    const { socket } = this;
    if (socket === undefined || socket.closed) return;
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  }

  private causeOf(command: string, status: number | null, signal: string | null): KFlowError {
    const lines = this.lastLines.join('\n');
    if (status === tooOldStatus && this.socket === undefined) return missingPython(command, lines);
    const how = signal === null ? `with exit code ${status}` : `by the signal ${signal}`;
    return new KFlowError('host-failed', `Python ended ${how}${lines === '' ? '' : `; its last lines:\n${lines}`}`);
  }

  private end(cause: KFlowError): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.socket?.destroy();
    this.server.close();
    rmSync(this.directory, { recursive: true, force: true });
    this.events.ended(cause);
    this.resolveEnd();
  }
}

function missingPython(command: string, what: string, cause?: unknown): ConfigError {
  const todo = 'install Python 3.9 or newer, or set KFLOW_PYTHON to its path';
  return new ConfigError('server-missing', `functions in Python cannot run with "${command}": ${what}; ${todo}`, {
    cause,
  });
}
