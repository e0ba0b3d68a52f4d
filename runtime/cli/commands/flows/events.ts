import type { FlowEventView } from '../../../api-contract/flow-history';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { ControllerClient } from '../../client/controller-client';
import { defineCommand } from '../../frame/command';
import { ExitStatus } from '../../frame/exit-status';
import { controllerDetails, flowOptions, type OutputFormat } from '../../frame/shared-options';
import { flag, option, optionalArgument, wholeNumber } from '../../frame/values';

export const events = defineCommand({
  name: 'events',
  summary: 'show the audit log and the phases of a flow, or of all flows',
  details: controllerDetails,
  arguments: { job: optionalArgument({ description: 'JOB or NAMESPACE/JOB', completes: 'flow' }) },
  options: {
    follow: flag('follow new events', { short: '-f' }),
    tail: option('<events>', 'only the last events', { parse: wholeNumber(1) }),
    ...flowOptions,
  },
  async run({ job, follow: isFollowing, tail, output, ...options }) {
    const { openClient, openFlow } = await import('../../client/flow-session.js');
    const { say, writeOutput } = await import('../../terminal/output.js');
    const { client, flow } =
      job === undefined
        ? { client: await openClient(options), flow: { namespace: options.namespace } }
        : await openFlow(job, options);
    if (isFollowing) {
      await followEvents(client, flow, { tail, output });
      return ExitStatus.Done;
    }
    const render = await eventRenderer();
    const found = await client.events(flow, { limit: tail });
    writeOutput(output, found, () => found.map(render).join(''));
    if (found.length === 0 && output === 'table') say('no events yet');
    return ExitStatus.Done;
  },
});

interface Following {
  readonly tail: number | undefined;
  readonly output: OutputFormat;
}

/** Past events, then new ones; after a lost connection, those that happened meanwhile. */
async function followEvents(client: ControllerClient, flow: Partial<FlowKey>, { tail, output }: Following) {
  const { lossOf } = await import('../../client/client-error.js');
  const { follow } = await import('../../client/follow.js');
  const { say, writeItem } = await import('../../terminal/output.js');
  const render = await eventRenderer();
  let after: string | undefined;
  const open = () => client.followEvents(flow, after === undefined ? { limit: tail } : { after });
  const onLost = (error: Error) => say(lossOf(error));
  for await (const event of follow(open, { onLost })) {
    after = event.id;
    writeItem(output, event, () => render(event));
  }
}

/** Time, flow, event, requester and reason, on one line. */
async function eventRenderer(): Promise<(event: FlowEventView) => string> {
  const { flowName } = await import('../../../api-contract/flow-key.js');
  const { painted } = await import('../../render/text.js');
  const { mediumOf } = await import('../../terminal/output.js');
  const medium = mediumOf(process.stdout);
  return (event) => {
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
  };
}
