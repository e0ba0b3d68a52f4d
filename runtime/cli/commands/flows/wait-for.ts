import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { FlowStatus } from '../../../api-contract/flow-status';
import { ApiRefusal } from '../../client/api-refusal';
import type { ControllerClient } from '../../client/controller-client';
import { follow } from '../../client/follow';
import { CommandError, ExitStatus } from '../../exit-status';
import type { Goal } from './goal';

/** What a request is waited for at most; a batch may take as long as its input. */
const standardTimeoutMs = 300_000;

export interface WaitOptions {
  /** Left out: five minutes, and no limit where a batch is to complete. */
  readonly timeoutMs?: number;
  readonly say: (line: string) => void;
}

/**
 * Waits until a flow has reached a goal, and says what holds it up whenever that changes. A controller that is away meanwhile is
 * waited for. Gives the last status; undefined when the flow is gone. Throws CommandError when the goal is missed or
 * the time is up.
 */
export async function waitFor(
  { client, flow, goal }: { readonly client: ControllerClient; readonly flow: FlowKey; readonly goal: Goal },
  { timeoutMs = goal.isLong ? undefined : standardTimeoutMs, say }: WaitOptions,
): Promise<FlowStatus | undefined> {
  const signal = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const atMost = timeoutMs === undefined ? '' : `, at most ${timeoutMs / 1_000} s`;
  say(`waiting until ${flowName(flow)} ${goal.what}${atMost}`);
  let last: FlowStatus | undefined;
  let said = '';
  const onLost = () => say('the controller is away; waiting for it');
  try {
    for await (const status of follow(() => client.followStatus(flow, signal), { signal, isKnown: true, onLost })) {
      last = status;
      const reached = goal.reached(status);
      if (reached === 'reached') return status;
      const line = describe(status);
      if (line !== said) say(`  ${line}`);
      said = line;
      if (reached === 'missed') throw missed(status, goal);
    }
  } catch (error) {
    if (goal.isGoneFine && error instanceof ApiRefusal && error.code === 'flow-missing') return undefined;
    throw error;
  }
  const now = last === undefined ? '' : `; it is ${describe(last)}`;
  const message = `${flowName(flow)}: the time was up before it ${goal.what}${now}\nit goes on: kflow status ${flowName(flow)} --watch`;
  throw new CommandError(ExitStatus.timedOut, 'state-invalid', message);
}

function missed(status: FlowStatus, goal: Goal): CommandError {
  const name = flowName(status);
  const reason = status.reason === undefined ? '' : `: ${status.reason}`;
  const revision = status.closeTime === null ? ` with revision ${status.revision}` : '';
  const message = `${name} is ${status.status}${revision} and will not come to where it ${goal.what}${reason}\nsee kflow events ${name}`;
  return new CommandError(ExitStatus.refused, 'state-invalid', message);
}

/** The status on a line, with what a person would look at next: problems say more than numbers, and than the reason. */
function describe({ status, health, reason, functions }: FlowStatus): string {
  const [problem, ...others] = health.problems.filter(({ reason: why }) => why !== 'DeadLetters');
  const isTold = (id: string) => health.problems.some((each) => each.function === id);
  const short = functions.filter((fn) => fn.ready < fn.replicas && !fn.isPaused && !fn.isDone && !isTold(fn.function));
  const held = functions.filter((fn) => fn.held > 0);
  const isEnding = status === 'Pausing' || status === 'Stopping';
  const parts = [
    status === 'Running' ? `Running, ${health.state}` : status,
    problem === undefined ? reason : undefined,
    ...(status === 'Running' ? short.map((fn) => `${fn.function} ${fn.ready} of ${fn.replicas} ready`) : []),
    ...(isEnding ? held.map((fn) => `${fn.function} holds ${fn.held} records`) : []),
    problem && `${problem.function ?? 'flow'}: ${problem.reason} (${problem.message})`,
    others.length > 0 ? `and ${others.length} more` : undefined,
  ];
  return parts.filter((part) => part !== undefined).join('; ');
}
