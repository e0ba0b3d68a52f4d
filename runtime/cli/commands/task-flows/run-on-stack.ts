import type { ExecutionKey } from '../../../api-contract/execution-key';
import { executionPhases } from '../../../api-contract/execution-phase';
import type { ExecutionDetail } from '../../../api-contract/execution-status';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import { ControllerClient } from '../../client/controller-client';
import { ControllerConnection } from '../../client/controller-connection';
import { ExecutionsClient } from '../../client/executions-client';
import { follow } from '../../client/follow';
import { type FlowFile, readFlowFile } from '../../documents/flow-file';
import { ExitStatus, usageError } from '../../frame/exit-status';
import type { Interrupts } from '../../frame/interrupts';
import { findStack } from '../../local-stack/find-stack';
import { StackDirectory } from '../../local-stack/stack-directory';
import { healthy } from '../flows/condition';
import { waitUntilMet } from '../flows/wait-until';
import { StackSupervisor } from '../stack/supervisor';
import { onInterrupts } from './on-interrupts';
import type { TaskRun } from './task-run';
import { TaskRunView } from './task-run-view';

/**
 * Runs a task flow on the stack of this folder, and shows its steps. A stack that does not run is started for the time of
 * the run. Ctrl-C cancels the execution, a second one terminates it.
 */
export async function runOnStack(run: TaskRun, interrupts: Interrupts): Promise<ExitStatus> {
  const workers = run.worker.map((file) => readFlowFile(file, { set: [] }));
  const namespace = namespaceOf(workers);
  interrupts.exitAt = 4;
  const view = await TaskRunView.open();
  const stack = await openStack(view);
  const connection = new ControllerConnection({ url: stack.url });
  const flows = new ControllerClient(connection, `kflow run ${run.file}`);
  const started: FlowKey[] = [];
  try {
    for (const worker of workers) if (await startWorker(flows, worker, view)) started.push(worker.flow);
    return await runExecution(new ExecutionsClient(connection), { ...run, namespace }, { view, interrupts });
  } finally {
    for (const flow of started)
      await flows.end(flow, 'force').catch((error) => view.say(`${flowName(flow)}: ${error}`));
    await stack.close();
  }
}

/** Throws CommandError for workers of several namespaces, as tasks are sent to one. */
function namespaceOf(workers: readonly FlowFile[]): string {
  const [first, ...others] = new Set(workers.map(({ flow }) => flow.namespace));
  if (others.length > 0)
    throw usageError(`--worker: want workers of one namespace, got ${[first, ...others].join(', ')}`);
  return first ?? 'default';
}

interface OpenStack {
  readonly url: string;
  close(): Promise<void>;
}

async function openStack(view: TaskRunView): Promise<OpenStack> {
  const running = await findStack(process.cwd());
  if (running !== undefined) return { url: running.url, close: async () => undefined };
  view.say('starting nats-server, Temporal and the controller; kflow up --detach keeps them running between runs');
  const directory = new StackDirectory('.kflow');
  const supervisor = await StackSupervisor.start({ directory, ports: {}, say: () => undefined });
  const stack = await findStack(process.cwd());
  if (stack === undefined) throw new Error(`the stack in ${directory.path} ended`);
  return { url: stack.url, close: () => supervisor.close() };
}

/** Whether the worker did not run before. */
async function startWorker(
  client: ControllerClient,
  { flow, body, name }: FlowFile,
  view: TaskRunView,
): Promise<boolean> {
  const { outcome } = await client.submit(flow, body);
  view.say(`worker ${flowName(flow)} (${name}): ${outcome === 'unchanged' ? 'runs already' : 'starting'}`);
  await waitUntilMet({ client, flow, condition: healthy }, undefined);
  return outcome !== 'unchanged';
}

interface Watching {
  readonly view: TaskRunView;
  readonly interrupts: Interrupts;
}

async function runExecution(
  client: ExecutionsClient,
  { namespace, text, input, timeout }: TaskRun & { readonly namespace: string },
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
  for await (const detail of follow(() => client.follow(key), { isOver })) {
    last = detail;
    view.show(detail);
  }
  over.abort();
  await ending;
  const end = last ?? (await client.show(key));
  view.end(end);
  return end.status === 'Completed' ? ExitStatus.Done : ExitStatus.Failed;
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
