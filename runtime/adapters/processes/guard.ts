import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { ConfigError } from '../../../lib/errors';

/**
 * Child processes that never outlive their parent.
 *
 * I1. The command runs under the pid that `spawn` gave: the shell starts a watcher, then becomes the command, so code
 *     and signal arrive as they are.
 * I2. The watcher reads a pipe that only the parent holds. The parent's end, however it came, is the pipe's end: TERM
 *     to the group, then KILL.
 * I3. The watcher holds the write end of a second pipe. When it dies before the command, the parent kills the group.
 * I4. The watcher is a member of the group until the parent or itself kills the group, so the group's number cannot
 *     have passed to strangers when it is signalled.
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

/** What to start. Streams not named go to /dev/null. */
export interface GuardOptions {
  readonly command: string;
  readonly args?: readonly string[];
  /** The whole environment of the process; left out, it is this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** An open file descriptor, which stays the caller's to close, or `pipe`. */
  readonly stdout?: number | 'pipe';
  readonly stderr?: number | 'pipe';
}

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Starts a process that ends when this one ends, SIGKILL included, on Linux and macOS. It has its own session, so
 * Ctrl-C in the terminal does not reach it; what it started itself and left in its group ends with it. A command that
 * is not found exits with code 127. Throws ConfigError when not even a shell can be started, as without the directory.
 */
export function spawnGuarded(options: GuardOptions): GuardedProcess {
  const { command, cwd } = options;
  if (cwd !== undefined && !existsSync(cwd)) {
    throw new ConfigError('config-invalid', `${command}: the directory ${cwd} to run it in does not exist`);
  }
  const env = options.env ?? process.env;
  const stdio: StdioOptions = ['pipe', options.stdout ?? 'ignore', options.stderr ?? 'ignore', 'pipe'];
  const args = ['-c', GUARD_SCRIPT, 'kflow-guard', ...withOddNames(env), command, ...(options.args ?? [])];
  return new GuardedProcess(spawn('/bin/sh', args, { cwd, env, stdio, detached: true }), command);
}

/** Shells drop variables whose names they could not use, as `a.b`, which Kubernetes allows: `env` sets them again. */
function withOddNames(env: NodeJS.ProcessEnv): string[] {
  const odd = Object.entries(env).filter(([name, value]) => value !== undefined && !/^[A-Za-z_]\w*$/.test(name));
  return odd.length === 0 ? [] : ['env', ...odd.map(([name, value]) => `${name}=${value}`)];
}

/** A process under guard. `exited` never rejects. */
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

  /** Asks the process to end, kills it with all it started after `graceMs`, and resolves when it has ended. */
  async stop(graceMs = 5_000): Promise<ProcessExit> {
    this.kill('SIGTERM');
    const timer = setTimeout(() => this.killGroup(), graceMs);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  private watchGuard(child: ChildProcess): void {
    // Written by nobody: a broken pipe says only that the watcher is gone, which the second pipe says as well.
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
    // Already gone; on macOS a group of zombies answers EPERM.
    if (['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
