import type { FlowStatus } from '../../../api-contract/flow-status';
import type { FlowOptions } from '../../client/flow-session';
import { defineCommand } from '../../frame/command';
import { ExitStatus } from '../../frame/exit-status';
import { controllerDetails, flowOptions } from '../../frame/shared-options';
import { flag, optionalArgument } from '../../frame/values';

export const status = defineCommand({
  name: 'status',
  summary: 'show the state of all flows, or of one flow and its functions',
  details: controllerDetails,
  arguments: { job: optionalArgument({ description: 'JOB or NAMESPACE/JOB', completes: 'flow' }) },
  options: {
    watch: flag('watch for changes: redrawn on a terminal, otherwise printed as lines', { short: '-w' }),
    all: flag('include flows that have ended', { short: '-a' }),
    ...flowOptions,
  },
  async run({ job, ...options }) {
    return job === undefined ? statusOfAll(options) : statusOf(job, options);
  },
});

interface StatusOptions extends FlowOptions {
  readonly watch: boolean;
  readonly all: boolean;
}

async function statusOf(job: string, { watch, output, ...options }: StatusOptions): Promise<ExitStatus> {
  const { openFlow } = await import('../../client/flow-session.js');
  const { nextStep } = await import('../../render/flow-lines.js');
  const { renderStatus } = await import('../../render/flow-status.js');
  const { mediumOf, say, writeOutput } = await import('../../terminal/output.js');
  const { client, flow } = await openFlow(job, options);
  if (watch) {
    const { watchFlow } = await import('./watch-flows.js');
    const last = await watchFlow(client, flow, output);
    if (last !== undefined && output === 'table') say(nextStep(last));
    return ExitStatus.Done;
  }
  const found = await client.status(flow);
  writeOutput(output, found, () => renderStatus(found, { nowMs: Date.now(), medium: mediumOf(process.stdout) }));
  if (output === 'table') say(`\n${nextStep(found)}`);
  return ExitStatus.Done;
}

async function statusOfAll({ watch, all, output, ...options }: StatusOptions): Promise<ExitStatus> {
  const { openClient } = await import('../../client/flow-session.js');
  const { renderStatusList } = await import('../../render/flow-status.js');
  const { mediumOf, say, writeOutput } = await import('../../terminal/output.js');
  const client = await openClient(options);
  const select = (flows: readonly FlowStatus[]) => (all ? flows : flows.filter(isOfInterest));
  if (watch) {
    const { watchFlows } = await import('./watch-flows.js');
    await watchFlows(async () => select(await client.list(options.namespace)), output);
    return ExitStatus.Done;
  }
  const flows = await client.list(options.namespace);
  const shown = select(flows);
  const view = { nowMs: Date.now(), medium: mediumOf(process.stdout) };
  writeOutput(output, shown, () => (shown.length === 0 ? '' : renderStatusList(shown, view)));
  if (output !== 'table') return ExitStatus.Done;
  const where = options.namespace === undefined ? '' : ` in the namespace ${options.namespace}`;
  const ended = flows.length - shown.length;
  if (flows.length === 0) say(`no flows${where}; start one with kflow submit FILE`);
  if (ended > 0) say(`${ended} more ${ended === 1 ? 'flow has' : 'flows have'} ended; show them with --all`);
  return ExitStatus.Done;
}

/** Every flow except those that ended without a failure. */
function isOfInterest({ status: phase }: FlowStatus): boolean {
  return !['Completed', 'Canceled', 'Terminated'].includes(phase);
}
