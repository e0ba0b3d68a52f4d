import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { ConfigError } from '../../../../lib/errors';
import { waitUntil } from '../../../async/poll';
import { waitForEarlierProcesses } from './earlier-processes';
import { presentPid } from './presence';
import { StackDirectory } from './stack-directory';

const pollMs = 50;
/** What an end at once may take. */
const atOnceMs = 10_000;

export interface DownOptions {
  readonly directory?: string;
  /** Seconds that replicas have to finish what they hold. */
  readonly timeout: number;
  readonly removeData?: true;
  readonly yes?: true;
}

/** `kflow down`: ends the stack of this folder, or of the nearest one above. 0 when none runs. */
export async function down(options: DownOptions): Promise<number> {
  const { directory, pid } = await choose(options.directory);
  if (options.removeData && directory !== undefined && !(await mayRemove(directory, options))) {
    say('nothing is ended or removed');
    return 1;
  }
  if (directory === undefined || pid === undefined) say('no stack runs here, or in a folder above');
  else await end({ directory, pid }, options.timeout * 1_000);
  if (options.removeData && directory !== undefined) {
    await waitForEarlierProcesses(directory);
    for (const gone of [directory.file, directory.data, directory.logs]) rmSync(gone, { recursive: true, force: true });
    say(`removed the data in ${directory.path}`);
  }
  return 0;
}

/** The nearest folder whose stack runs, else the nearest that has data. */
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
  say(`ending the stack of ${directory.path} (process ${pid}); replicas finish what they hold`);
  process.kill(pid, 'SIGTERM');
  if (await isGone(directory, timeoutMs)) return say('ended');
  say(`not within ${timeoutMs / 1_000} s: ending it at once`);
  process.kill(pid, 'SIGTERM');
  if (await isGone(directory, atOnceMs)) return say('ended');
  throw new ConfigError('server-failed', `the process ${pid} does not end; see ${directory.log}, or kill it`);
}

function isGone(directory: StackDirectory, timeoutMs: number): Promise<boolean> {
  return waitUntil(async () => (await presentPid(directory)) === undefined, { intervalMs: pollMs, timeoutMs });
}

async function mayRemove(directory: StackDirectory, { yes }: DownOptions): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY) {
    throw new ConfigError('config-invalid', '--remove-data asks first, and nobody is here to answer: add --yes');
  }
  const questions = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await questions.question(`Remove all flows, streams and buckets in ${directory.path}? [y/N] `);
  questions.close();
  return /^y(es)?$/i.test(answer.trim());
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
