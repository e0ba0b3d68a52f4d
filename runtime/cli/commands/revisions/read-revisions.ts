import type { RevisionDetail, RevisionQuery, RevisionView } from '../../../api-contract/revisions';
import type { FlowOptions } from '../../client/flow-session';
import { openRevisions } from '../../client/revisions-client';
import { ExitStatus } from '../../frame/exit-status';
import { age } from '../../render/measures';
import { paintedPatch, patchOf } from '../../render/patch';
import { type Column, renderTable } from '../../render/table';
import { mediumOf, say, writeItem, writeOutput } from '../../terminal/output';

export async function listRevisions({
  all,
  output,
  group,
  state,
  namespace = 'default',
  ...options
}: FlowOptions & RevisionQuery & { readonly all: boolean }): Promise<ExitStatus> {
  const client = await openRevisions(options);
  const query = { ...(group === undefined ? {} : { group }), ...(state === undefined ? {} : { state }) };
  const found = await client.list(all ? undefined : namespace, query);
  writeOutput(output, found, () => (found.length === 0 ? '' : renderRevisions(found, all)));
  if (found.length === 0 && output === 'table') say('no revisions; publish one with kflow publish FILE --tag 1.0.0');
  return ExitStatus.Done;
}

function renderRevisions(revisions: readonly RevisionView[], hasNamespace: boolean): string {
  const nowMs = Date.now();
  const columns: readonly Column<RevisionView>[] = [
    ...(hasNamespace ? [{ head: 'NAMESPACE', cell: ({ namespace }: RevisionView) => namespace }] : []),
    { head: 'REVISION', cell: ({ group, tag }) => `${group.name}:${tag}` },
    { head: 'STATE', cell: ({ state, isLatest }) => (isLatest ? `${state} (latest)` : state) },
    { head: 'ID', cell: ({ id }) => id },
    { head: 'AGE', align: 'right', cell: ({ publishedAt }) => age(publishedAt, nowMs), dispensable: 1 },
    { head: 'CATEGORY', cell: ({ category }) => category, isTruncated: true, dispensable: 2 },
  ];
  return renderTable(revisions, columns, mediumOf(process.stdout));
}

export async function showRevision({
  revision,
  output,
  namespace = 'default',
  ...options
}: FlowOptions & { readonly revision: string }): Promise<ExitStatus> {
  const found = await (await openRevisions(options)).show(namespace, revision);
  writeItem(output, found, () => renderRevision(found));
  return ExitStatus.Done;
}

function renderRevision(found: RevisionDetail): string {
  const { group, tag, id, name, state, isLatest, publishedAt, releasedAt, disabledAt, document } = found;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['revision', `${group.name}:${tag}`],
    ['id', id],
    ['group', group.id],
    ['component', name],
    ['state', isLatest ? `${state} (latest)` : state],
    ['published', publishedAt],
    ['released', releasedAt],
    ['disabled', disabledAt],
    ['inputs', found.inputs.map(described).join(', ') || '-'],
    ['outputs', found.outputs.map(described).join(', ')],
  ];
  const lines = facts.flatMap(([label, value]) => (value === undefined ? [] : [`${label.padEnd(10)} ${value}`]));
  return `${lines.join('\n')}\n\n${document.trimEnd()}\n`;
}

function described({ name, type, default: optional }: RevisionDetail['inputs'][number]): string {
  return `${name}: ${type}${optional === undefined ? '' : ` = ${JSON.stringify(optional.value)}`}`;
}

export async function diffRevisions({
  from,
  to,
  namespace = 'default',
  ...options
}: FlowOptions & { readonly from: string; readonly to: string }): Promise<ExitStatus> {
  const client = await openRevisions(options);
  const [before, after] = await Promise.all([client.show(namespace, from), client.show(namespace, to)]);
  const titleOf = ({ group, tag }: RevisionDetail) => `${group.name}:${tag}`;
  if (before.document === after.document) {
    say(`${titleOf(before)} and ${titleOf(after)}: no differences`);
    return ExitStatus.Done;
  }
  const patch = patchOf(
    { name: titleOf(before), text: before.document },
    { name: titleOf(after), text: after.document },
  );
  process.stdout.write(paintedPatch(patch, mediumOf(process.stdout)));
  return ExitStatus.Differs;
}
