import { hideSecrets } from '../../../../lib/topology/secrets/hide-secrets';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { ControllerClient } from '../../client/controller-client';
import { readFlowFile, renderText } from '../../documents/flow-file';
import { patchOf } from '../../render/patch';

/**
 * The changes that a submit of the file would make, as a patch; empty if there are none. A document stored as JSON and
 * given as YAML, or the reverse, is compared by its values.
 */
export async function diffFile(
  client: ControllerClient,
  flow: FlowKey,
  { file, set }: { readonly file: string; readonly set: readonly string[] },
): Promise<string> {
  const given = readFlowFile(file, { set });
  const { revision } = await client.status(flow);
  const texts = [await client.document(flow, revision), hideSecrets(given.body.text)];
  const haveOneSyntax = texts.every(isJson) || !texts.some(isJson);
  const [before = '', after = ''] = haveOneSyntax ? texts : texts.map(renderText);
  if (before === after) return '';
  return patchOf({ name: `revision ${revision}`, text: before }, { name: given.name, text: after });
}

function isJson(text: string): boolean {
  return /^\s*\{/.test(text);
}
