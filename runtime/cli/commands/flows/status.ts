import type { FlowStatus } from '../../../api-contract/flow-status';
import { ExitStatus } from '../../exit-status';
import { writeOutput } from '../../render/output';
import { renderStatus, renderStatusList } from '../../render/render-status';
import { mediumOf } from '../../render/table';
import { type FlowOptions, openClient, openFlow, say } from './flow-session';
import { nextStep } from './next-step';
import { watchStatus, watchStatuses } from './watch-status';

interface StatusOptions extends FlowOptions {
  readonly watch?: true;
  readonly all?: true;
}

/** `kflow status`: one flow, or all. */
export async function status(job: string | undefined, options: StatusOptions): Promise<number> {
  if (job === undefined) return statusOfAll(options);
  const { client, flow } = await openFlow(job, options);
  if (options.watch) {
    const last = await watchStatus(client, flow, options.output);
    if (last !== undefined && options.output === 'table') say(nextStep(last));
    return ExitStatus.done;
  }
  const found = await client.status(flow);
  const view = { nowMs: Date.now(), medium: mediumOf(process.stdout) };
  writeOutput(options.output, found, () => renderStatus(found, view));
  if (options.output === 'table') say(`\n${nextStep(found)}`);
  return ExitStatus.done;
}

async function statusOfAll(options: StatusOptions): Promise<number> {
  const client = await openClient(options);
  const select = (flows: readonly FlowStatus[]) => (options.all ? flows : flows.filter(isOfInterest));
  if (options.watch) {
    await watchStatuses(async () => select(await client.list(options.namespace)), options.output);
    return ExitStatus.done;
  }
  const flows = await client.list(options.namespace);
  const shown = select(flows);
  const view = { nowMs: Date.now(), medium: mediumOf(process.stdout) };
  writeOutput(options.output, shown, () => (shown.length === 0 ? '' : renderStatusList(shown, view)));
  if (options.output !== 'table') return ExitStatus.done;
  const where = options.namespace === undefined ? '' : ` in the namespace ${options.namespace}`;
  const ended = flows.length - shown.length;
  if (flows.length === 0) say(`there are no flows${where}: kflow submit FILE starts one`);
  if (ended > 0) say(`${ended} more ${ended === 1 ? 'has' : 'have'} ended: --all shows them too`);
  return ExitStatus.done;
}

/** All but those that came to their end and need nobody. */
function isOfInterest({ status: phase }: FlowStatus): boolean {
  return !['Completed', 'Canceled', 'Terminated'].includes(phase);
}
