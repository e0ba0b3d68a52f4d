import { readFileSync, writeFileSync } from 'node:fs';
import { executionArchiveSchema } from '../../../api-contract/execution-changes';
import { executionName } from '../../../api-contract/execution-key';
import { executionNamed, openExecutions } from '../../client/execution-session';
import type { FlowOptions } from '../../client/flow-session';
import { ExitStatus, usageError } from '../../frame/exit-status';
import { say, writeOutput } from '../../terminal/output';

interface ArchiveInput extends FlowOptions {
  readonly execution: string;
  readonly save: string | undefined;
  readonly to: string | undefined;
}

export async function archiveExecution({ execution, save, to, ...options }: ArchiveInput): Promise<ExitStatus> {
  if (save !== undefined && to !== undefined) throw usageError('--save and --to: want one of them');
  const client = await openExecutions(options);
  const key = executionNamed(execution, options.namespace);
  if (to !== undefined) {
    await client.storeArchive(key, to);
    say(`${executionName(key)}: archived in ${to}`);
    return ExitStatus.Done;
  }
  const text = `${JSON.stringify(await client.archive(key), null, 2)}\n`;
  if (save === undefined) process.stdout.write(text);
  else writeFileSync(save, text);
  if (save !== undefined) say(`${executionName(key)}: archived in ${save}`);
  return ExitStatus.Done;
}

interface RestoreInput extends FlowOptions {
  readonly files: readonly string[];
  readonly from: readonly string[];
  readonly id: string | undefined;
  readonly comment: string | undefined;
}

/** Reads every file before sending the first. */
export async function restoreExecutions(input: RestoreInput): Promise<ExitStatus> {
  const { files, from, id, output, comment, ...options } = input;
  const archives = [...files.map((file) => ({ archive: readArchive(file) })), ...from.map((uri) => ({ uri }))];
  if (archives.length === 0) throw usageError('want the file of an archive, or --from s3://BUCKET/KEY');
  if (id !== undefined && archives.length > 1)
    throw usageError('--id names one execution; restore one archive with it');
  const client = await openExecutions({ ...options, ...(comment === undefined ? {} : { comment }) });
  const restored = [];
  for (const archive of archives) {
    const view = await client.restore(options.namespace ?? 'default', archive, id);
    restored.push(view);
    if (output === 'table') process.stdout.write(`${executionName(view)}: restored, ${view.status}\n`);
  }
  if (output !== 'table') writeOutput(output, restored.length === 1 ? restored[0] : restored, () => '');
  return ExitStatus.Done;
}

function readArchive(file: string) {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8'));
  } catch (error) {
    throw usageError(`cannot read the archive ${file}: ${(error as Error).message}`);
  }
  const check = executionArchiveSchema.safeParse(value);
  if (check.success) return check.data;
  throw usageError(`${file} is no archive of an execution; kflow executions archive writes one`);
}
