import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { FlowStatus } from '../../../api-contract/flow-status';
import type { ChangeAnswer, ControllerClient } from '../../client/controller-client';
import { type ChangeOptions, openFlow } from '../../client/flow-session';
import { ExitStatus } from '../../frame/exit-status';
import { nextStep } from '../../render/flow-lines';
import { say, writeOutput } from '../../terminal/output';
import { type Condition, healthyAt } from './condition';
import { waitUntilMet } from './wait-until';

export interface FlowChange {
  readonly send: (client: ControllerClient, flow: FlowKey) => Promise<ChangeAnswer>;
  /** Printed when the controller has accepted the change: `pause requested`. */
  readonly accepted: string;
  /** The condition of `--wait`; left out, the flow becomes healthy at the revision in the response. */
  readonly condition?: Condition;
}

/** Sends one change, waits for its condition with `--wait`, and prints the state of the flow. */
export async function changeFlow(job: string, options: ChangeOptions, change: FlowChange): Promise<ExitStatus> {
  const { client, flow } = await openFlow(job, options);
  const { outcome, status } = await change.send(client, flow);
  const effect = outcome === 'unchanged' ? 'no change' : change.accepted;
  let last: FlowStatus | undefined = status;
  if (options.wait) {
    const condition = change.condition ?? healthyAt(status.revision);
    last = await waitUntilMet({ client, flow, condition }, options.timeout);
  }
  const state = last === undefined ? 'deleted' : `${last.status}, revision ${last.revision}`;
  writeOutput(options.output, last ?? null, () => `${flowName(flow)}: ${effect}; ${state}\n`);
  if (options.output === 'table' && last !== undefined) say(nextStep(last));
  return ExitStatus.Done;
}
