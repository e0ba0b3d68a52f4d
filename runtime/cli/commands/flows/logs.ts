import type { LogLine } from '../../../api-contract/flow-history';
import { follow } from '../../client/follow';
import { ExitStatus } from '../../exit-status';
import { writeItem } from '../../render/output';
import { mediumOf, painted, type Style } from '../../render/table';
import { type FlowOptions, openFlow, say } from './flow-session';

interface LogsOptions extends FlowOptions {
  readonly follow?: true;
  readonly tail?: number;
}

const replicaStyles: readonly Style[] = ['cyan', 'magenta', 'yellow', 'blue', 'green'];

/** `kflow logs`: lines of every replica, each with the replica's name. */
export async function logs(job: string, functionId: string | undefined, options: LogsOptions): Promise<number> {
  const { client, flow } = await openFlow(job, options);
  let { tail } = options;
  const open = () => client.logs(flow, { function: functionId, tail, ...(options.follow ? { follow: true } : {}) });
  const onLost = () => {
    // what was told before is not told again; what is written meanwhile may be missed
    tail = 0;
    say('the connection is lost; waiting for the controller, lines until then are shown by kflow logs without -f');
  };
  const write = writer(options);
  const lines = options.follow ? follow(open, { isOver: () => true, onLost }) : open();
  let count = 0;
  for await (const line of lines) {
    count += 1;
    write(line);
  }
  if (options.follow) say('its replicas are gone; the same command follows those that are started next');
  else if (count === 0 && tail !== 0)
    say('there are no lines: logs are kept as long as the replicas, or their Jobs, are there');
  return ExitStatus.done;
}

function writer({ output }: LogsOptions): (line: LogLine) => void {
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
