import { createTwoFilesPatch } from 'diff';
import type { Manifest } from '../../../../lib/constructs/manifest';
import { renderYaml } from '../../../../lib/constructs/render-yaml';

/** An object that would be other than it is: as it is, absent when it is not there; and as it would be, absent when it goes. */
export interface Change {
  readonly before?: Manifest;
  readonly after?: Manifest;
  /** Why it cannot be changed in place, and is made anew. */
  readonly madeAnew?: string;
}

/** `Kind namespace/name`: what tells an object from all others of a cluster. */
export function objectKey({ apiVersion, kind, metadata }: Manifest): string {
  const group = apiVersion.includes('/') ? `.${apiVersion.split('/')[0]}` : '';
  return `${kind}${group} ${metadata.namespace ?? ''}/${metadata.name}`;
}

/** The change as text: a line that says what happens to which object, and the lines that differ. */
export function renderChange(change: Change): string {
  const object = change.after ?? change.before;
  if (object === undefined) return '';
  const { kind, metadata } = object;
  const name = `${kind} ${metadata.name}`;
  if (change.before === undefined) return `+ ${name} is created\n`;
  if (change.after === undefined) return `- ${name} is removed${keepsData(object) ? '; its data stay' : ''}\n`;
  const head = change.madeAnew === undefined ? `~ ${name} changes` : `± ${name} is made anew: ${change.madeAnew}`;
  return `${head}\n${difference(change.before, change.after)}`;
}

/** Lines of the YAML that differ, with three around them. */
function difference(before: Manifest, after: Manifest): string {
  const patch = createTwoFilesPatch('', '', renderYaml([before]), renderYaml([after]), '', '', { context: 3 });
  const lines = patch.split('\n').slice(4);
  return lines
    .filter((line) => line !== '' && !line.startsWith('\\'))
    .map((line) => `    ${line.startsWith('@@') ? '…' : line}\n`)
    .join('');
}

function keepsData({ spec }: Manifest): boolean {
  return (spec as { readonly preventDelete?: boolean } | undefined)?.preventDelete === true;
}
