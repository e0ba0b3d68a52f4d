import { rmSync } from 'node:fs';
import { KFlowError } from '../../../../lib/errors';
import { waitForEarlierProcesses } from '../../../adapters/processes/earlier-processes';
import { waitUntil } from '../../../async/poll';
import { ExitStatus, usageError } from '../../frame/exit-status';
import { isHeld, presentPid } from '../../local-stack/presence';
import { StackDirectory } from '../../local-stack/stack-directory';
import { confirm, say } from '../../terminal/output';

const pollMs = 50;
/** Time for an immediate end. */
const immediateMs = 10_000;

export interface DownOptions {
  readonly directory: string | undefined;
  /** Time for replicas to finish their records in flight, in milliseconds. */
  readonly timeout: number;
  readonly removeData: boolean;
  readonly yes: boolean;
}

/** Ends the stack of this folder or of the nearest parent folder. */
export async function endStack(options: DownOptions): Promise<ExitStatus> {
  const { directory, pid } = await choose(options.directory);
  if (options.removeData && directory !== undefined) await assertConfirmed(directory, options);
  if (directory === undefined || pid === undefined) say('no stack is running here or in a parent folder');
  else await end({ directory, pid }, options.timeout);
  if (options.removeData && directory !== undefined) {
    await waitForEarlierProcesses(directory.pidFiles);
    for (const folder of [directory.file, directory.data, directory.logs])
      rmSync(folder, { recursive: true, force: true });
    say(`removed the data in ${directory.path}`);
  }
  return ExitStatus.Done;
}

/** The nearest folder with a running stack, else the nearest with data. */
async function choose(given: string | undefined): Promise<{ directory?: StackDirectory; pid?: number }> {
  const directories = given === undefined ? [...StackDirectory.above('.')] : [new StackDirectory(given)];
  for (const directory of directories) {
    const pid = await presentPid(directory);
    if (pid !== undefined) return { directory, pid };
  }
  const [directory] = directories;
  return directory === undefined ? {} : { directory };
}

async function end(
  { directory, pid }: { readonly directory: StackDirectory; readonly pid: number },
  timeoutMs: number,
): Promise<void> {
  say(`stopping the stack in ${directory.path} (process ${pid}); replicas finish their records in flight`);
  process.kill(pid, 'SIGTERM');
  if (await isGone(directory, timeoutMs)) return say('stopped');
  say(`still running after ${timeoutMs / 1_000} s; stopping it at once`);
  process.kill(pid, 'SIGTERM');
  if (await isGone(directory, immediateMs)) return say('stopped');
  throw new KFlowError('server-failed', `process ${pid} does not end; see ${directory.log}, or kill the process`);
}

function isGone(directory: StackDirectory, timeoutMs: number): Promise<boolean> {
  return waitUntil(async () => !(await isHeld(directory)), { intervalMs: pollMs, timeoutMs });
}

async function assertConfirmed({ path }: StackDirectory, { yes }: DownOptions): Promise<void> {
  if (yes) return;
  const isConfirmed = await confirm(`remove all flows, streams and buckets in ${path}?`);
  if (isConfirmed === undefined) {
    throw usageError('--remove-data asks for confirmation, and stdin is not a terminal; add --yes');
  }
  if (!isConfirmed) throw new KFlowError('state-invalid', 'canceled; nothing was stopped or removed');
}
