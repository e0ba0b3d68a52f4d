import type { StepEntry, StepFolder } from '../../../api-contract/steps';
import { pause } from '../../../async/pause';
import type { StepDesk } from '../../../steps/step-desk';
import { counted } from '../../render/measures';

const readEveryMs = 500;

/** What to do in a run that is step by step: the store, and the folders of each function. */
export function describeFolders(
  jobId: string,
  folders: readonly StepFolder[],
  store: { readonly addr: string; readonly credentials?: string },
): readonly string[] {
  const width = Math.max(...folders.map((folder) => folder.function.length));
  const login = store.credentials === undefined ? '' : ` (user and password in ${store.credentials})`;
  return [
    'step by step: no source and no sink runs; an object that is put into a folder runs its function',
    `store         ${store.addr}${login}`,
    ...folders.map(({ function: id, bucket, inDir }) => `  ${id.padEnd(width)}  s3a://${bucket}/${inDir}`),
    `results are in out/ beside each in/; kflow dev list ${jobId} shows them, kflow dev --help what else there is`,
  ];
}

/** Says what becomes of each object, until the signal. The store may be away for a while. */
export async function followSteps(desk: StepDesk, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  let known = new Map((await read(desk)).map((entry) => [keyOf(entry), entry.run]));
  while (!signal.aborted) {
    await pause(readEveryMs, signal);
    const entries = await read(desk);
    for (const entry of entries) if (entry.run !== (known.get(keyOf(entry)) ?? 0)) say(lineOf(entry));
    if (entries.length > 0) known = new Map(entries.map((entry) => [keyOf(entry), entry.run]));
  }
}

function read(desk: StepDesk): Promise<readonly StepEntry[]> {
  return desk.list().catch(() => []);
}

function keyOf({ function: id, name }: StepEntry): string {
  return `${id} ${name}`;
}

function lineOf({ function: id, name, state, inputs, outputs, error }: StepEntry): string {
  const result = error === undefined ? '' : `: ${error.replace(/\s+/g, ' ')}`;
  return `${id}  ${name}: ${state}${result}; ${counted(inputs, 'record')} in, ${counted(outputs, 'record')} out`;
}
