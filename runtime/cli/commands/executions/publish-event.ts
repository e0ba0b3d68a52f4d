import type { TaskEventView } from '../../../api-contract/task-events';
import { lossOf } from '../../client/client-error';
import { openExecutions } from '../../client/execution-session';
import type { FlowOptions } from '../../client/flow-session';
import { follow } from '../../client/follow';
import { ExitStatus, usageError } from '../../frame/exit-status';
import { say, writeItem, writeOutput } from '../../terminal/output';

interface EventInput extends FlowOptions {
  readonly kind: string;
  readonly data: unknown;
  readonly result: unknown;
  readonly id: string | undefined;
  readonly comment: string | undefined;
}

export async function publishEvent(input: EventInput): Promise<ExitStatus> {
  const { kind, data = {}, result, id, comment, output, ...options } = input;
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw usageError(`--data: want a JSON object, got ${JSON.stringify(data)}`);
  }
  const client = await openExecutions({ ...options, ...(comment === undefined ? {} : { comment }) });
  const stored = await client.publish(options.namespace ?? 'default', {
    kind,
    data: { ...data },
    ...(result === undefined ? {} : { output: result }),
    ...(id === undefined ? {} : { id }),
  });
  writeOutput(output, stored, () => `${stored.id}\n`);
  return ExitStatus.Done;
}

/** Events that are remembered: more than a stream begins with. */
const maxShown = 10_000;

interface ReceiptsInput extends FlowOptions {
  readonly kind: string | undefined;
  readonly follow: boolean;
  readonly tail: number | undefined;
}

export async function showReceipts({
  kind,
  follow: isFollowing,
  tail,
  output,
  ...options
}: ReceiptsInput): Promise<ExitStatus> {
  const client = await openExecutions(options);
  const namespace = options.namespace ?? 'default';
  const query = { kind, limit: tail };
  if (!isFollowing) {
    const found = await client.events(namespace, query);
    writeOutput(output, found, () => found.map(renderEvent).join(''));
    if (found.length === 0 && output === 'table') say('no events');
    return ExitStatus.Done;
  }
  const onLost = (error: Error) => say(lossOf(error));
  const shown = new Map<string, string>();
  for await (const event of follow(() => client.followEvents(namespace, query), { onLost })) {
    const id = `${event.kind}/${event.id}`;
    const text = JSON.stringify(event);
    // a stream that is opened again begins with the last events
    if (shown.get(id) !== text) writeItem(output, event, () => renderEvent(event));
    shown.delete(id);
    shown.set(id, text);
    const [oldest] = shown.keys();
    if (shown.size > maxShown && oldest !== undefined) shown.delete(oldest);
  }
  return ExitStatus.Done;
}

/** The event on one line, and a line below for each receipt. */
function renderEvent({ at, id, kind, data, receipts }: TaskEventView): string {
  const lines = receipts.map(
    ({ at: when, action, execution, step }) =>
      `    ${[when, action, execution, step && `step ${step}`].filter((part) => part).join('  ')}`,
  );
  return `${[`${at}  ${kind}  ${id}  ${JSON.stringify(data)}`, ...lines].join('\n')}\n`;
}
