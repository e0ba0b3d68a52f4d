import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExitStatus } from '../../frame/exit-status';
import { stackIn } from '../../local-stack/find-stack';
import type { StackDirectory } from '../../local-stack/stack-directory';
import { say } from '../../terminal/output';
import type { StackPorts } from './supervisor';

const pollMs = 50;

/**
 * Starts `kflow up` in the background in its own session, and copies its log to stderr until every server responds or the
 * process has ended; returns its exit status. Ctrl-C meanwhile ends that process.
 */
export async function runDetached(directory: StackDirectory, ports: StackPorts): Promise<ExitStatus> {
  directory.make();
  const log = openSync(directory.log, 'a+', 0o600);
  try {
    const relay = new LogRelay(log);
    const child = start(directory, ports, log);
    const interrupt = () => child.kill('SIGTERM');
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
    const status = await untilReady(child, directory, relay);
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    const file = path.relative('', directory.log);
    say(
      status === ExitStatus.Done ? `running in the background; log: ${file}` : `the stack did not start; see ${file}`,
    );
    return status;
  } finally {
    closeSync(log);
  }
}

function start(directory: StackDirectory, ports: StackPorts, log: number): ChildProcess {
  const requestedPorts = [
    ['--port', ports.port],
    ['--nats-port', ports.natsPort],
    ['--temporal-port', ports.temporalPort],
    ['--s3-port', ports.s3Port],
  ].flatMap(([option, port]) => (port === undefined ? [] : [String(option), String(port)]));
  const args = [path.join(__dirname, '../../main.js'), 'up', '--directory', directory.path, ...requestedPorts];
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', log, log] });
  child.unref();
  return child;
}

async function untilReady(child: ChildProcess, directory: StackDirectory, relay: LogRelay): Promise<ExitStatus> {
  for (;;) {
    const hasEnded = child.exitCode !== null || child.signalCode !== null;
    const stack = hasEnded ? undefined : await stackIn(directory);
    relay.copy();
    if (hasEnded) return (child.exitCode as ExitStatus | null) || ExitStatus.Failed;
    if (stack?.pid === child.pid) return ExitStatus.Done;
    await sleep(pollMs);
  }
}

/** Copies text that is appended to a file to stderr. */
class LogRelay {
  private position: number;

  constructor(private readonly file: number) {
    this.position = this.size();
  }

  copy(): void {
    const added = Buffer.alloc(this.size() - this.position);
    this.position += readSync(this.file, added, 0, added.length, this.position);
    process.stderr.write(added);
  }

  private size(): number {
    return fstatSync(this.file).size;
  }
}
