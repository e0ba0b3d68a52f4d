import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stackIn } from './find-stack';
import type { StackDirectory } from './stack-directory';
import type { StackPorts } from './stack-ports';

const pollMs = 50;

/**
 * Starts `kflow up` in the background, in a session of its own with the log as its output, and repeats here what it says
 * until everything answers (0) or it has ended (1). Ctrl-C meanwhile ends it.
 */
export async function upDetached(directory: StackDirectory, ports: StackPorts): Promise<number> {
  directory.make();
  const log = openSync(directory.log, 'a+', 0o600);
  try {
    const relay = new LogRelay(log);
    const child = start(directory, ports, log);
    const interrupt = () => child.kill('SIGTERM');
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
    const status = await untilAnswering(child, directory, relay);
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    const file = path.relative('', directory.log);
    process.stderr.write(status === 0 ? `it runs in the background; ${file} says more\n` : `it ended; see ${file}\n`);
    return status;
  } finally {
    closeSync(log);
  }
}

function start(directory: StackDirectory, ports: StackPorts, log: number): ChildProcess {
  const wished = [
    ['--port', ports.port],
    ['--nats-port', ports.natsPort],
    ['--temporal-port', ports.temporalPort],
    ['--s3-port', ports.s3Port],
  ].flatMap(([option, port]) => (port === undefined ? [] : [String(option), String(port)]));
  const args = [path.join(__dirname, '../../main.js'), 'up', '--directory', directory.path, ...wished];
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', log, log] });
  child.unref();
  return child;
}

async function untilAnswering(child: ChildProcess, directory: StackDirectory, relay: LogRelay): Promise<number> {
  for (;;) {
    const hasEnded = child.exitCode !== null || child.signalCode !== null;
    const stack = hasEnded ? undefined : await stackIn(directory);
    relay.copy();
    if (hasEnded) return 1;
    if (stack?.pid === child.pid) return 0;
    await sleep(pollMs);
  }
}

/** Copies to stderr what is appended to a file from now on. */
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
