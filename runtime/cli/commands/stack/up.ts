import { Interrupts } from '../run/interrupts';
import { upDetached } from './detach';
import { type FoundStack, stackIn } from './find-stack';
import { StackDirectory } from './stack-directory';
import type { StackPorts } from './stack-ports';
import { StackSupervisor } from './supervisor';

export interface UpOptions extends StackPorts {
  readonly detach?: true;
  readonly directory: string;
}

/**
 * `kflow up`: servers, process node and controller on this machine. In the foreground it ends them on Ctrl-C, at once on
 * a second one; detached it gives 0 when everything answers.
 */
export async function up(options: UpOptions): Promise<number> {
  const directory = new StackDirectory(options.directory);
  const running = await stackIn(directory);
  if (running !== undefined) {
    sayRunning(running);
    return 0;
  }
  return options.detach ? upDetached(directory, options) : serve(directory, options);
}

async function serve(directory: StackDirectory, ports: StackPorts): Promise<number> {
  const interrupts = new Interrupts();
  const supervisor = await StackSupervisor.start({ directory, ports, say });
  interrupts.exitAt = interrupts.count + 2;
  const andHere = process.stdin.isTTY ? ', and so does Ctrl-C here' : '';
  say(`\`kflow submit FILE\` starts a flow; \`kflow down\` ends everything${andHere}`);
  while (interrupts.count === 0) await interrupts.waitAtMost(60_000);
  say('ending: replicas finish what they hold; Ctrl-C again ends at once');
  await supervisor.close();
  interrupts.close();
  return 0;
}

function sayRunning({ directory, pid, url, nats, temporal, s3 }: FoundStack): void {
  say(`it runs already, from ${directory.path} (process ${pid})`);
  for (const [name, address] of [
    ['nats-server', nats],
    ['temporal', temporal],
    ['s3 server', s3.endpoint],
    ['controller', url],
  ] as const) {
    say(`${name.padEnd(14)}${address}`);
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
