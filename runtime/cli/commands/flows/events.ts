import type { FlowEventView } from '../../../api-contract/flow-history';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { ControllerClient } from '../../client/controller-client';
import { follow } from '../../client/follow';
import { ExitStatus } from '../../exit-status';
import { writeItem, writeOutput } from '../../render/output';
import { mediumOf, painted } from '../../render/table';
import { type FlowOptions, openClient, openFlow, say } from './flow-session';

interface EventsOptions extends FlowOptions {
  readonly follow?: true;
  readonly tail?: number;
}

/** `kflow events`: what happened to a flow, or to all. */
export async function events(job: string | undefined, options: EventsOptions): Promise<number> {
  const { client, flow } =
    job === undefined
      ? { client: await openClient(options), flow: { namespace: options.namespace } }
      : await openFlow(job, options);
  if (options.follow) {
    await followEvents(client, flow, options);
    return ExitStatus.done;
  }
  const found = await client.events(flow, { limit: options.tail });
  writeOutput(options.output, found, () => found.map(renderEvent).join(''));
  if (found.length === 0 && options.output === 'table') say('nothing has happened yet');
  return ExitStatus.done;
}

/** Those there are, then those that come; after a lost connection, those that came meanwhile. */
async function followEvents(client: ControllerClient, flow: Partial<FlowKey>, options: EventsOptions): Promise<void> {
  let after: string | undefined;
  const open = () => client.followEvents(flow, after === undefined ? { limit: options.tail } : { after });
  const onLost = () => say('the controller is away; waiting for it');
  for await (const event of follow(open, { onLost })) {
    after = event.id;
    writeItem(options.output, event, () => renderEvent(event));
  }
}

/** Time, flow, what happened, who asked for it and why, on one line. */
function renderEvent(event: FlowEventView): string {
  const medium = mediumOf(process.stdout);
  const { at, kind, what, by, comment, message } = event;
  const parts = [
    painted(`${at.slice(0, 19)}Z`, 'dim', medium),
    flowName(event),
    painted(what, kind === 'phase' ? 'bold' : undefined, medium),
    by && `by ${by}`,
    message,
    comment && `"${comment}"`,
  ];
  return `${parts.filter((part) => part).join('  ')}\n`;
}
