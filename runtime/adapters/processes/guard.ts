import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { ConfigError } from '../../../lib/errors';

/**
 * Child processes that never outlive their parent.
 *
 * I1. The command runs under the pid that `spawn` returned: the shell starts a watcher, then execs the command, so the
 *     parent sees the command's exit code and signal unchanged.
 * I2. The watcher reads a pipe whose write end only the parent holds. When the parent ends for any reason, the pipe
 *     closes, and the watcher sends SIGTERM to the group, then SIGKILL.
 * I3. The watcher holds the write end of a second pipe. When the watcher dies before the command, the parent kills the
 *     group.
 * I4. The watcher stays in the group until the group is killed, so the group's id cannot be reused by other processes
 *     before the group is signaled.
 */
const GUARD_SCRIPT = `
exec 4<&0 </dev/null
(
  trap '' HUP INT TERM
  read -r _ <&4
  kill -s TERM -- "-$$"
  for second in 1 2 3 4 5; do
    kill -s 0 "$$" || break
    sleep 1
  done
  kill -s KILL -- "-$$"
) >/dev/null 2>&1 &
exec 3>&- 4<&-
exec "$@"
`;

/** A process to start. Streams that are left out go to /dev/null. */
export interface GuardOptions {
  readonly command: string;
  readonly args?: readonly string[];
  /** The complete environment of the process; left out, that of this process. The shell drops names that it cannot have. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** `pipe`, or an open file descriptor, which the caller closes. */
  readonly stdout?: number | 'pipe';
  readonly stderr?: number | 'pipe';
}

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Starts a process that ends when this process ends, even by SIGKILL, on Linux and macOS. The process has its own session,
 * so Ctrl-C in the terminal does not reach it; children that stay in its group end with it. A command that is not found
 * exits with code 127. Throws ConfigError when the working directory does not exist or /bin/sh cannot be started.
 */
export function spawnGuarded(options: GuardOptions): GuardedProcess {
  const { command, cwd } = options;
  if (cwd !== undefined && !existsSync(cwd)) {
    throw new ConfigError('config-invalid', `${command}: the working directory ${cwd} does not exist`);
  }
  const env = options.env ?? process.env;
  const stdio: StdioOptions = ['pipe', options.stdout ?? 'ignore', options.stderr ?? 'ignore', 'pipe'];
  const args = ['-c', GUARD_SCRIPT, 'kflow-guard', command, ...(options.args ?? [])];
  return new GuardedProcess(spawn('/bin/sh', args, { cwd, env, stdio, detached: true }), command);
}

/** A process that ends with its parent. `exited` never rejects. */
export class GuardedProcess {
  readonly pid: number;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  readonly exited: Promise<ProcessExit>;
  private ended = false;

  constructor(child: ChildProcess, command: string) {
    if (child.pid === undefined) {
      child.once('error', () => undefined);
      throw new ConfigError('config-invalid', `${command}: /bin/sh could not be started`);
    }
    this.pid = child.pid;
    this.stdout = child.stdout;
    this.stderr = child.stderr;
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.killGroup();
        this.ended = true;
        resolve({ code, signal });
      });
    });
    this.watchGuard(child);
  }

  /** Sends a signal to the process alone; false when it has ended. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): boolean {
    return !this.ended && sendSignal(this.pid, signal);
  }

  /** Sends SIGTERM, kills the process group after `graceMs`, and resolves when the process has ended. */
  async stop(graceMs = 5_000): Promise<ProcessExit> {
    this.kill('SIGTERM');
    const timer = setTimeout(() => this.killGroup(), graceMs);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  private watchGuard(child: ChildProcess): void {
    // nothing is written to this pipe; an error only means that the watcher is gone, which the second pipe reports too
    child.stdin?.on('error', () => undefined);
    const lifeline = child.stdio[3] as Readable;
    lifeline.on('error', () => undefined);
    lifeline.once('close', () => this.killGroup());
    lifeline.resume();
  }

  private killGroup(): void {
    if (!this.ended) sendSignal(-this.pid, 'SIGKILL');
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    // already gone; on macOS, signaling a group of zombies fails with EPERM
    if (['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
