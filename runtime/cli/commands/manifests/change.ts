import { createTwoFilesPatch } from 'diff';
import { type Manifest, renderYaml } from '../../../../lib/constructs/manifest';

/** An object before and after an apply; `before` is absent when the apply creates it, `after` when the apply removes it. */
export interface Change {
  readonly before?: Manifest;
  readonly after?: Manifest;
  /** Why the object cannot be changed in place and is replaced. */
  readonly replacedBecause?: string;
}

/** `Kind.group namespace/name`: unique in a cluster. */
export function objectKey({ apiVersion, kind, metadata }: Manifest): string {
  const group = apiVersion.includes('/') ? `.${apiVersion.split('/')[0]}` : '';
  return `${kind}${group} ${metadata.namespace ?? ''}/${metadata.name}`;
}

/** The change as text: a line with the object and the operation, then the lines that differ. */
export function renderChange(change: Change): string {
  const object = change.after ?? change.before;
  if (object === undefined) return '';
  const { kind, metadata } = object;
  const name = `${kind} ${metadata.name}`;
  if (change.before === undefined) return `+ ${name} is created\n`;
  if (change.after === undefined) return `- ${name} is removed${keepsData(object) ? '; its data is kept' : ''}\n`;
  const head =
    change.replacedBecause === undefined ? `~ ${name} changes` : `± ${name} is replaced: ${change.replacedBecause}`;
  return `${head}\n${difference(change.before, change.after)}`;
}

/** The lines of YAML that differ, with three lines of context. */
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
