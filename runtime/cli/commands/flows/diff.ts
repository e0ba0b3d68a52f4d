import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import { parse } from 'yaml';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import { hideSecrets } from '../../../controller/flows/documents/hide-secrets';
import type { ControllerClient } from '../../client/controller-client';
import { ExitStatus, usageError } from '../../exit-status';
import { renderDocument } from '../../render/render-document';
import { mediumOf, painted, type Style } from '../../render/table';
import { readFlowFile } from './flow-file';
import { type FlowOptions, openFlow, say } from './flow-session';

interface DiffOptions extends FlowOptions {
  readonly from?: number;
  readonly to?: number;
  readonly set: readonly string[];
}

/** `kflow diff`: between two revisions, or what a submit of a file would change. Exit status 2 when there are differences. */
export async function diff(job: string, file: string | undefined, options: DiffOptions): Promise<number> {
  if (file !== undefined && (options.from ?? options.to) !== undefined) {
    throw usageError('a file is compared with what is in force; leave --from and --to out');
  }
  const { client, flow } = await openFlow(job, options);
  const patch =
    file === undefined
      ? await client.diff(flow, { from: options.from, to: options.to })
      : await againstFile(client, flow, { file, set: options.set });
  process.stdout.write(patch === '' ? '' : colored(patch));
  if (patch === '')
    say(`${flowName(flow)}: no differences${file === undefined ? '' : '; the values of secrets are not compared'}`);
  return patch === '' ? ExitStatus.done : ExitStatus.differs;
}

/** As the controller compares revisions; a document that is kept as JSON and offered as YAML is compared by what it says. */
async function againstFile(
  client: ControllerClient,
  flow: FlowKey,
  { file, set }: { readonly file: string; readonly set: readonly string[] },
): Promise<string> {
  const wanted = readFlowFile(file, { set });
  const { revision } = await client.status(flow);
  const texts = [await client.document(flow, revision), hideSecrets(wanted.body.text)];
  const isAlike = texts.every(isJson) || !texts.some(isJson);
  const [before = '', after = ''] = isAlike ? texts : texts.map((text) => renderDocument(parse(text)));
  if (before === after) return '';
  return createTwoFilesPatch(`revision ${revision}`, wanted.name, before, after, undefined, undefined, {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  });
}

function isJson(text: string): boolean {
  return /^\s*\{/.test(text);
}

const colors: { readonly [sign: string]: Style } = { '+': 'green', '-': 'red', '@': 'cyan' };

function colored(patch: string): string {
  const medium = mediumOf(process.stdout);
  return patch.replace(/^[+\-@].*$/gm, (line) => painted(line, colors[line.charAt(0)], medium));
}
