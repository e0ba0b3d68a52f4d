import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import { ControllerClient } from '../../client/controller-client';
import { ControllerConnection } from '../../client/controller-connection';
import { ExecutionsClient } from '../../client/executions-client';
import { type FlowFile, readFlowFile } from '../../documents/flow-file';
import { type ExitStatus, usageError } from '../../frame/exit-status';
import type { Interrupts } from '../../frame/interrupts';
import { findStack } from '../../local-stack/find-stack';
import { StackDirectory } from '../../local-stack/stack-directory';
import { healthy } from '../flows/condition';
import { waitUntilMet } from '../flows/wait-until';
import { StackSupervisor } from '../stack/supervisor';
import { runExecution } from './run-execution';
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
