import { KFlowError } from '../../../../lib/errors';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { FlowStatus } from '../../../api-contract/flow-status';
import { ApiRefusal, lossOf } from '../../client/client-error';
import type { ControllerClient } from '../../client/controller-client';
import { follow } from '../../client/follow';
import { CommandError, ExitStatus } from '../../frame/exit-status';
import { describeStatus } from '../../render/flow-lines';
import { say } from '../../terminal/output';
import type { Condition } from './condition';

const defaultTimeoutMs = 300_000;

interface Wait {
  readonly client: ControllerClient;
  readonly flow: FlowKey;
  readonly condition: Condition;
}

/**
 * Waits until a flow meets a condition, also while the controller is unavailable, and reports the reason for the delay
 * whenever it changes. Resolves to the last status, or to undefined when the flow no longer exists. Throws KFlowError when
 * the condition can no longer be met, CommandError on the timeout.
 */
export async function waitUntilMet(
  { client, flow, condition }: Wait,
  timeout?: number,
): Promise<FlowStatus | undefined> {
  const timeoutMs = timeout ?? (condition.isUnlimited ? undefined : defaultTimeoutMs);
  const signal = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const atMost = timeoutMs === undefined ? '' : `, at most ${timeoutMs / 1_000} s`;
  say(`waiting for ${flowName(flow)} to ${condition.what}${atMost}`);
  let last: FlowStatus | undefined;
  let written = '';
  const onLost = (error: Error) => say(lossOf(error));
  try {
    for await (const status of follow(() => client.followStatus(flow, signal), { signal, isKnown: true, onLost })) {
      last = status;
      const result = condition.check(status);
      if (result === 'met') return status;
      const line = describeStatus(status);
      if (line !== written) say(`  ${line}`);
      written = line;
      if (result === 'impossible') throw impossible(status, condition);
    }
  } catch (error) {
    if (condition.isMetWhenGone && error instanceof ApiRefusal && error.code === 'flow-missing') return undefined;
    throw error;
  }
  throw timedOut(flow, condition, last);
}

function impossible(status: FlowStatus, { what }: Condition): KFlowError {
  const name = flowName(status);
  const reason = status.reason === undefined ? '' : `: ${status.reason}`;
  const revision = status.closeTime === null ? ` at revision ${status.revision}` : '';
  const message = `${name} is ${status.status}${revision} and will not ${what}${reason}\nsee kflow events ${name}`;
  return new KFlowError('state-invalid', message);
}

function timedOut(flow: FlowKey, { what }: Condition, last: FlowStatus | undefined): CommandError {
  const name = flowName(flow);
  const state = last === undefined ? '' : `; its state is ${describeStatus(last)}`;
  const message = `timed out waiting for ${name} to ${what}${state}\nthe request stays in effect: kflow status ${name} --watch`;
  return new CommandError(ExitStatus.TimedOut, 'state-invalid', message);
}
