import type { LogLine } from '../../../api-contract/flow-history';
import { defineCommand } from '../../frame/command';
import { ExitStatus } from '../../frame/exit-status';
import { controllerDetails, flowOptions, jobArgument, type OutputFormat } from '../../frame/shared-options';
import { flag, option, optionalArgument, wholeNumber } from '../../frame/values';
import type { Style } from '../../render/text';

export const logs = defineCommand({
  name: 'logs',
  summary: 'print the logs of the replicas of a flow',
  details: controllerDetails,
  arguments: {
    job: jobArgument,
    function: optionalArgument({ description: 'only the replicas of this function', completes: 'function' }),
  },
  options: {
    follow: flag('follow the logs until the replicas are gone', { short: '-f' }),
    tail: option('<lines>', 'only the last lines of each replica', { parse: wholeNumber(0) }),
    ...flowOptions,
  },
  async run({ job, function: functionId, follow: isFollowing, tail, output, ...options }) {
    const { lossOf } = await import('../../client/client-error.js');
    const { follow } = await import('../../client/follow.js');
    const { openFlow } = await import('../../client/flow-session.js');
    const { say } = await import('../../terminal/output.js');
    const { client, flow } = await openFlow(job, options);
    let rest = tail;
    const open = () =>
      client.logs(flow, { function: functionId, tail: rest, ...(isFollowing ? { follow: true } : {}) });
    const onLost = (error: Error) => {
      // lines are not printed twice; those written until the connection is back are missing
      rest = 0;
      say(`${lossOf(error)}; kflow logs without -f shows the lines in between`);
    };
    const write = await lineWriter(output);
    const lines = isFollowing ? follow(open, { isOver: () => true, onLost }) : open();
    let count = 0;
    for await (const line of lines) {
      count += 1;
      write(line);
    }
    if (isFollowing) say('the replicas are gone; run the same command again to follow new ones');
    else if (count === 0 && tail !== 0)
      say('no log lines; logs are kept as long as the replicas, or their Jobs, exist');
    return ExitStatus.Done;
  },
});

const replicaStyles: readonly Style[] = ['cyan', 'magenta', 'yellow', 'blue', 'green'];

async function lineWriter(output: OutputFormat): Promise<(line: LogLine) => void> {
  const { painted } = await import('../../render/text.js');
  const { mediumOf, writeItem } = await import('../../terminal/output.js');
  const medium = mediumOf(process.stdout);
  const styles = new Map<string, Style | undefined>();
  let width = 0;
  return (logLine) => {
    const { replica, line } = logLine;
    if (!styles.has(replica)) styles.set(replica, replicaStyles[styles.size % replicaStyles.length]);
    width = Math.max(width, replica.length);
    writeItem(output, logLine, () => `${painted(replica.padEnd(width), styles.get(replica), medium)} | ${line}\n`);
  };
}
