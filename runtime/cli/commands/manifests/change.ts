import { type Manifest, renderYaml } from '../../../../lib/constructs/manifest';
import { patchOf } from '../../render/patch';

/** An object before and after an apply; `before` is absent when the apply creates it, `after` when the apply removes it. */
export interface Change {
  readonly before?: Manifest;
  readonly after?: Manifest;
  /** Why the object cannot be changed in place and is replaced. */
  readonly replacedBecause?: string;
}

/**
 * The changes with each created Job or ConfigMap of a function in one with the object that it replaces, whose name has
 * another hash.
 */
export function pairReplaced(changes: readonly Change[]): readonly Change[] {
  const removed = new Map<string, Change[]>();
  for (const change of changes) {
    const key = change.after === undefined && change.before !== undefined ? hashedKey(change.before) : undefined;
    if (key !== undefined) removed.set(key, [...(removed.get(key) ?? []), change]);
  }
  const paired = new Set<Change>();
  const merged = changes.map((change) => {
    const key = change.before === undefined && change.after !== undefined ? hashedKey(change.after) : undefined;
    const old = key === undefined ? undefined : removed.get(key)?.shift();
    if (old === undefined) return change;
    paired.add(old);
    return { ...change, before: old.before, replacedBecause: 'its name has the hash of its content' };
  });
  return merged.filter((change) => !paired.has(change));
}

/** Identifies the function of an object whose name ends with a hash; undefined for other objects. */
function hashedKey({ kind, metadata }: Manifest): string | undefined {
  const id = metadata.labels?.['kflow.io/function'];
  if (id === undefined || !['Job', 'ConfigMap'].includes(kind) || !/-[0-9a-f]{8}$/.test(metadata.name))
    return undefined;
  return `${kind} ${metadata.namespace ?? ''}/${id}`;
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
    change.replacedBecause === undefined
      ? `~ ${name} changes`
      : change.before.metadata.name === metadata.name
        ? `± ${name} is replaced: ${change.replacedBecause}`
        : `± ${name} replaces ${change.before.metadata.name}: ${change.replacedBecause}`;
  return `${head}\n${difference(change.before, change.after)}`;
}

/** The lines of YAML that differ, with three lines of context. */
function difference(before: Manifest, after: Manifest): string {
  const patch = patchOf({ name: '', text: renderYaml([before]) }, { name: '', text: renderYaml([after]) });
  const lines = patch.split('\n').slice(2);
  return lines
    .filter((line) => line !== '' && !line.startsWith('\\'))
    .map((line) => `    ${line.startsWith('@@') ? '…' : line}\n`)
    .join('');
}

function keepsData({ spec }: Manifest): boolean {
  return (spec as { readonly preventDelete?: boolean } | undefined)?.preventDelete === true;
}
