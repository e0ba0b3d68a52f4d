import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { FlowStatus } from '../../../api-contract/flow-status';
import { pause } from '../../../async/pause';
import { lossOf } from '../../client/client-error';
import type { ControllerClient } from '../../client/controller-client';
import { follow } from '../../client/follow';
import type { OutputFormat } from '../../frame/shared-options';
import { StatusLines } from '../../render/flow-lines';
import { renderStatus, renderStatusList } from '../../render/flow-status';
import { Rates } from '../../render/measures';
import { LiveView } from '../../terminal/live-view';
import { mediumOf, say, writeItem } from '../../terminal/output';

/** Interval between two lists of all flows. */
const listEveryMs = 2_000;

/**
 * Shows a flow until it has closed, and resolves to its last status. A terminal is redrawn in place; otherwise changed
 * lines are printed, or every status as data.
 */
export async function watchFlow(
  client: ControllerClient,
  flow: FlowKey,
  format: OutputFormat,
): Promise<FlowStatus | undefined> {
  const live = await openLive(format);
  const rates = new Rates();
  const lines = new StatusLines();
  let last: FlowStatus | undefined;
  const isOver = () => last !== undefined && last.closeTime !== null;
  for await (const status of follow(() => client.followStatus(flow), { isOver, onLost: sayLost(live) })) {
    last = status;
    const perSecond = rates.take(status.functions, Date.now());
    live?.show(() => renderStatus(status, { ...view(), rates: perSecond }));
    if (live === undefined) writeStatus(format, status, lines, true);
    if (isOver()) break;
  }
  live?.close();
  return last;
}

/** Shows many flows until the command is interrupted. */
export async function watchFlows(list: () => Promise<readonly FlowStatus[]>, format: OutputFormat): Promise<void> {
  const live = await openLive(format);
  const lines = new StatusLines();
  const shown = new Map<string, string>();
  const lists = async function* () {
    for (;;) {
      yield await list();
      await pause(listEveryMs);
    }
  };
  for await (const flows of follow(lists, { onLost: sayLost(live) })) {
    live?.show(() => renderStatusList(flows, view()));
    if (live !== undefined) continue;
    for (const flow of flows) {
      const text = JSON.stringify(flow);
      if (shown.get(flowName(flow)) !== text) writeStatus(format, flow, lines, false);
      shown.set(flowName(flow), text);
    }
  }
}

async function openLive(format: OutputFormat): Promise<LiveView | undefined> {
  return format === 'table' ? LiveView.open(process.stdout) : undefined;
}

function view() {
  return { nowMs: Date.now(), medium: mediumOf(process.stdout) };
}

function writeStatus(format: OutputFormat, status: FlowStatus, lines: StatusLines, counts: boolean): void {
  if (format !== 'table') writeItem(format, status, () => '');
  else for (const line of lines.of(status, { nowMs: Date.now(), counts })) process.stdout.write(`${line}\n`);
}

function sayLost(live: LiveView | undefined): (error: Error) => void {
  return (error) => (live === undefined ? say(lossOf(error)) : live.say(lossOf(error)));
}
