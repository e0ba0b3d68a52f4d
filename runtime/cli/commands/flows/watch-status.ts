import { setTimeout as delay } from 'node:timers/promises';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { FlowStatus } from '../../../api-contract/flow-status';
import type { ControllerClient } from '../../client/controller-client';
import { follow } from '../../client/follow';
import { LiveView } from '../../render/live-view';
import { writeItem } from '../../render/output';
import type { OutputFormat } from '../../render/output-format';
import { Rates } from '../../render/rates';
import { renderStatus, renderStatusList } from '../../render/render-status';
import { StatusLines } from '../../render/status-lines';
import { mediumOf } from '../../render/table';
import { say } from './flow-session';

/** Time between two looks at all flows. */
const listEveryMs = 2_000;

/**
 * Shows a flow until it has closed, and gives its last status: on a terminal redrawn in place, elsewhere the lines that
 * change, and as data every status.
 */
export async function watchStatus(
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
    live?.show(() => renderStatus(status, { ...view(), rates: rates.take(status, Date.now()) }));
    if (live === undefined) writeStatus(format, status, lines, true);
    if (isOver()) break;
  }
  live?.close();
  return last;
}

/** Shows all flows for as long as the command runs; `select` tells which. */
export async function watchStatuses(list: () => Promise<readonly FlowStatus[]>, format: OutputFormat): Promise<void> {
  const live = await openLive(format);
  const lines = new StatusLines();
  const shown = new Map<string, string>();
  const looks = async function* () {
    for (;;) {
      yield await list();
      await delay(listEveryMs);
    }
  };
  for await (const flows of follow(looks, { onLost: sayLost(live) })) {
    live?.show(() => renderStatusList(flows, view()));
    if (live !== undefined) continue;
    for (const flow of flows) {
      const name = `${flow.namespace}/${flow.jobId}`;
      const text = JSON.stringify(flow);
      if (shown.get(name) !== text) writeStatus(format, flow, lines, false);
      shown.set(name, text);
    }
  }
}

async function openLive(format: OutputFormat): Promise<LiveView | undefined> {
  return format === 'table' && process.stdout.isTTY ? LiveView.open(process.stdout) : undefined;
}

function view() {
  return { nowMs: Date.now(), medium: mediumOf(process.stdout) };
}

function writeStatus(format: OutputFormat, status: FlowStatus, lines: StatusLines, counts: boolean): void {
  if (format !== 'table') writeItem(format, status, () => '');
  else for (const line of lines.of(status, { nowMs: Date.now(), counts })) process.stdout.write(`${line}\n`);
}

function sayLost(live: LiveView | undefined): () => void {
  const line = 'the controller is away; waiting for it';
  return () => (live === undefined ? say(line) : live.say(line));
}
