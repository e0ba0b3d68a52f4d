import type { ExecutionKey } from '../../../api-contract/execution-key';
import { executionPhases } from '../../../api-contract/execution-phase';
import type { ExecutionDetail } from '../../../api-contract/execution-status';
import { lossOf } from '../../client/client-error';
import { executionNamed, openExecutions } from '../../client/execution-session';
import type { ExecutionsClient } from '../../client/executions-client';
import type { FlowOptions } from '../../client/flow-session';
import { follow } from '../../client/follow';
import { ExitStatus } from '../../frame/exit-status';
import type { OutputFormat } from '../../frame/shared-options';
import { renderExecution } from '../../render/execution-status';
import { LiveView } from '../../terminal/live-view';
import { mediumOf, say, writeItem, writeOutput } from '../../terminal/output';
import { nextExecutionStep } from './next-execution-step';

interface ShowInput extends FlowOptions {
  readonly execution: string;
  readonly watch: boolean;
  readonly values: boolean;
}

export async function showExecution({ execution, watch, values, output, ...options }: ShowInput): Promise<ExitStatus> {
  const client = await openExecutions(options);
  const key = executionNamed(execution, options.namespace);
  const render = (detail: ExecutionDetail) =>
    renderExecution(detail, { nowMs: Date.now(), medium: mediumOf(process.stdout), hasValues: values });
  const found = watch ? await watchExecution(client, key, { output, render }) : await client.show(key);
  if (found === undefined) return ExitStatus.Done;
  if (!watch) writeOutput(output, found, () => render(found));
  const next = nextExecutionStep(found);
  if (output === 'table' && next !== undefined) say(`\n${next}`);
  return ExitStatus.Done;
}

interface Watching {
  readonly output: OutputFormat;
  readonly render: (detail: ExecutionDetail) => string;
}

/** Shows the execution after each change until it has ended; on a terminal in place. Resolves with its last state. */
async function watchExecution(
  client: ExecutionsClient,
  key: ExecutionKey,
  { output, render }: Watching,
): Promise<ExecutionDetail | undefined> {
  const live = output === 'table' ? await LiveView.open(process.stdout) : undefined;
  const onLost = (error: Error) => (live === undefined ? say(lossOf(error)) : live.say(lossOf(error)));
  let last: ExecutionDetail | undefined;
  const isOver = () => last !== undefined && executionPhases[last.status].isClosed;
  try {
    for await (const detail of follow(() => client.follow(key), { isOver, onLost })) {
      last = detail;
      if (live === undefined) writeItem(output, detail, () => `${render(detail)}\n`);
      else live.show(() => render(detail));
    }
  } finally {
    live?.close();
  }
  return last;
}
