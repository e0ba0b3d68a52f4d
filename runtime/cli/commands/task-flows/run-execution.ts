import type { ExecutionKey } from '../../../api-contract/execution-key';
import { executionPhases } from '../../../api-contract/execution-phase';
import type { ExecutionDetail } from '../../../api-contract/execution-status';
import { lossOf } from '../../client/client-error';
import type { ExecutionsClient } from '../../client/executions-client';
import { follow } from '../../client/follow';
import type { ExitStatus } from '../../frame/exit-status';
import type { Interrupts } from '../../frame/interrupts';
import { onInterrupts, statusOfRun } from './on-interrupts';
import type { TaskRun } from './task-run';
import type { TaskRunView } from './task-run-view';

interface Watching {
  readonly view: TaskRunView;
  readonly interrupts: Interrupts;
}

/**
 * Starts an execution, and shows its steps until it has ended. An interrupt cancels it, a second one terminates it. Throws what
 * the client throws, after which nothing waits for interrupts.
 */
export async function runExecution(
  client: ExecutionsClient,
  { namespace, text, input, timeout }: Pick<TaskRun, 'text' | 'input' | 'timeout'> & { readonly namespace: string },
  { view, interrupts }: Watching,
): Promise<ExitStatus> {
  const key = await client.start(namespace, { flow: text, ...(input === undefined ? {} : { input }) });
  view.say(`execution ${key.namespace}/${key.execution}`);
  const over = new AbortController();
  const ending = onInterrupts({ interrupts, timeoutMs: timeout, signal: over.signal }, () =>
    endSooner(client, key, view),
  );
  let last: ExecutionDetail | undefined;
  const isOver = () => last !== undefined && executionPhases[last.status].isClosed;
  const onLost = (error: Error) => view.say(lossOf(error));
  try {
    for await (const detail of follow(() => client.follow(key), { isKnown: true, isOver, onLost })) {
      last = detail;
      view.show(detail);
    }
  } finally {
    over.abort();
    await ending;
  }
  const end = last ?? (await client.show(key));
  view.end(end);
  return statusOfRun(end.status === 'Completed', interrupts);
}

/** Cancels the execution, or terminates it if it is canceled already. */
async function endSooner(client: ExecutionsClient, key: ExecutionKey, view: TaskRunView): Promise<void> {
  try {
    const { status } = await client.show(key);
    if (executionPhases[status].isClosed) return;
    const isCanceled = status === 'Stopping';
    view.say(isCanceled ? 'terminating' : 'canceling; press Ctrl-C again to end it at once');
    if (isCanceled) await client.change(key, 'terminate', {});
    else await client.change(key, 'cancel', {});
  } catch (error) {
    view.say((error as Error).message);
  }
}
