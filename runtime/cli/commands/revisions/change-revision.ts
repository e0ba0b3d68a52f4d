import type { FlowOptions } from '../../client/flow-session';
import { openRevisions } from '../../client/revisions-client';
import { ExitStatus } from '../../frame/exit-status';
import { writeItem } from '../../terminal/output';

interface ChangeInput extends FlowOptions {
  readonly revision: string;
  readonly comment: string | undefined;
}

export async function changeRevision(kind: 'release' | 'disable', input: ChangeInput): Promise<ExitStatus> {
  const { client, namespace } = await opened(input);
  const changed = await client.change(namespace, input.revision, kind);
  const { group, tag, id, state } = changed;
  writeItem(input.output, changed, () => `${group.name}:${tag} (${id}): ${state}\n`);
  return ExitStatus.Done;
}

export async function deleteRevision(input: ChangeInput): Promise<ExitStatus> {
  const { client, namespace } = await opened(input);
  await client.delete(namespace, input.revision);
  writeItem(input.output, { namespace, revision: input.revision }, () => `${input.revision}: deleted\n`);
  return ExitStatus.Done;
}

async function opened({ namespace = 'default', comment, ...options }: ChangeInput) {
  return { client: await openRevisions({ ...options, ...(comment === undefined ? {} : { comment }) }), namespace };
}
