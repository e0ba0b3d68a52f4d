import type { FlowOptions } from '../../client/flow-session';
import { openRevisions } from '../../client/revisions-client';
import { readComponentFile } from '../../documents/load-component';
import { ExitStatus, usageError } from '../../frame/exit-status';
import { say, writeItem } from '../../terminal/output';

interface PublishInput extends FlowOptions {
  readonly group: string | undefined;
  readonly tag: string | undefined;
  readonly release: boolean;
  readonly comment: string | undefined;
}

export async function publishFile(
  file: string,
  { group, tag, release, comment, output, namespace = 'default', ...options }: PublishInput,
): Promise<ExitStatus> {
  const { text, name, component } = readComponentFile(file);
  if (tag === undefined && component.tag === undefined)
    throw usageError(`${name} has no tag; add --tag, as in --tag 1.0.0`);
  const client = await openRevisions({ ...options, ...(comment === undefined ? {} : { comment }) });
  const published = await client.publish(namespace, {
    document: text,
    release,
    ...(group === undefined ? {} : { group }),
    ...(tag === undefined ? {} : { tag }),
  });
  const title = `${published.group.name}:${published.tag}`;
  writeItem(output, published, () => `${title} (${published.id}): ${published.outcome}, ${published.state}\n`);
  if (output === 'table' && published.state === 'Draft') say(`release it: kflow revisions release ${published.id}`);
  return ExitStatus.Done;
}
