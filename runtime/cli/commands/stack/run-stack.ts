import { ExitStatus } from '../../frame/exit-status';
import type { Interrupts } from '../../frame/interrupts';
import { type FoundStack, stackIn } from '../../local-stack/find-stack';
import { StackDirectory } from '../../local-stack/stack-directory';
import { say } from '../../terminal/output';
import { runDetached } from './detach';
import { type StackPorts, StackSupervisor } from './supervisor';

export interface UpOptions extends StackPorts {
  readonly detach: boolean;
  readonly directory: string;
}

/**
 * Runs servers, process node and controller on this machine. In the foreground, Ctrl-C ends them gracefully and a second
 * Ctrl-C at once; detached, resolves when every server responds.
 */
export async function runStack(options: UpOptions, openInterrupts: () => Interrupts): Promise<ExitStatus> {
  const directory = new StackDirectory(options.directory);
  const running = await stackIn(directory);
  if (running !== undefined) {
    sayRunning(running);
    return ExitStatus.Done;
  }
  return options.detach ? runDetached(directory, options) : serve(directory, options, openInterrupts());
}

async function serve(directory: StackDirectory, ports: StackPorts, interrupts: Interrupts): Promise<ExitStatus> {
  const supervisor = await StackSupervisor.start({ directory, ports, say });
  interrupts.exitAt = interrupts.count + 2;
  const orCtrlC = process.stdin.isTTY ? ' or Ctrl-C' : '';
  say(`start a flow with \`kflow submit FILE\`; stop everything with \`kflow down\`${orCtrlC}`);
  await interrupts.first();
  say('shutting down: replicas finish their records in flight; press Ctrl-C again to end everything at once');
  await supervisor.close();
  return ExitStatus.Done;
}

function sayRunning({ directory, pid, url, nats, temporal, s3, search }: FoundStack): void {
  say(`already running in ${directory.path} (process ${pid})`);
  for (const [name, address] of [
    ['nats-server', nats],
    ['temporal', temporal],
    ['s3 server', s3.endpoint],
    ['opensearch', search],
    ['controller', url],
  ] as const) {
    if (address !== undefined) say(`${name.padEnd(14)}${address}`);
  }
}
