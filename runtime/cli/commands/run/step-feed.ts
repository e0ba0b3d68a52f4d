import { KFlowError } from '../../../../lib/errors';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { Step, StepFolder } from '../../../api-contract/steps';
import { pause } from '../../../async/pause';
import type { StepDesk } from '../../../steps/step-desk';
import { counted } from '../../render/measures';

const readEveryMs = 500;

/** What to do in a run that is step by step: the store, and the folders of each function. */
export function describeFolders(
  { namespace, jobId }: FlowKey,
  folders: readonly StepFolder[],
  { addr, credentials, api }: { readonly addr: string; readonly credentials?: string; readonly api: string },
): readonly string[] {
  const width = Math.max(...folders.map((folder) => folder.function.length));
  const login = credentials === undefined ? '' : ` (user and password in ${credentials})`;
  return [
    'step by step: no source and no sink runs; an object that is put into a folder runs its function',
    `store         ${addr}${login}`,
    `api           ${api}/kflows/devstore/v1, and ${api}/kflows/v1/${namespace}/${jobId}/steps`,
    ...folders.map(({ function: id, bucket, inDir }) => `  ${id.padEnd(width)}  s3a://${bucket}/${inDir}`),
    `results are in out/ beside each in/; kflow dev list ${jobId} shows them, kflow dev --help what else there is`,
  ];
}

/** Says what becomes of each object from now on, until the signal. The store may be away for a while. */
export async function followSteps(
  desk: Pick<StepDesk, 'newResults'>,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const seen = new Map<string, string>();
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    try {
      for await (const step of desk.newResults(seen)) if (!isFirst) say(lineOf(step));
    } catch (error) {
      if (!(error instanceof KFlowError)) throw error; // the replicas say that the store is away
    }
    await pause(readEveryMs, signal);
  }
}

function lineOf({ function: id, name, state, inputs, outputs, error }: Step): string {
  const result = error === undefined ? '' : `: ${error.replace(/\s+/g, ' ')}`;
  return `${id}  ${name}: ${state}${result}; ${counted(inputs.length, 'record')} in, ${counted(outputs.length, 'record')} out`;
}
