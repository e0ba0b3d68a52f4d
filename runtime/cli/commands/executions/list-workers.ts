import type { TaskWorkerView } from '../../../api-contract/task-events';
import { openExecutions } from '../../client/execution-session';
import type { FlowOptions } from '../../client/flow-session';
import { ExitStatus } from '../../frame/exit-status';
import { age } from '../../render/measures';
import { type Column, renderTable } from '../../render/table';
import { mediumOf, say, writeOutput } from '../../terminal/output';

const columnsAt = (nowMs: number): readonly Column<TaskWorkerView>[] => [
  { head: 'TASKS OF', cell: ({ taskNamespace }) => taskNamespace },
  { head: 'WORKER', cell: ({ worker }) => worker },
  { head: 'RUNNING', align: 'right', cell: ({ running, slots }) => `${running}/${slots}` },
  { head: 'LANGUAGE', cell: ({ language = '-' }) => language, dispensable: 2 },
  { head: 'VERSION', cell: ({ version = '-' }) => version, dispensable: 1 },
  { head: 'AGE', align: 'right', cell: ({ since }) => age(since, nowMs) },
  { head: 'SEEN', align: 'right', cell: ({ lastSeen }) => `${age(lastSeen, nowMs)} ago` },
  { head: 'TASKS', cell: ({ tasks }) => tasks.map(({ name }) => name).join(' '), isTruncated: true },
];

export async function listWorkers({ output, ...options }: FlowOptions): Promise<ExitStatus> {
  const client = await openExecutions(options);
  const found = await client.workers(options.namespace ?? 'default');
  const table = () => (found.length === 0 ? '' : renderTable(found, columnsAt(Date.now()), mediumOf(process.stdout)));
  writeOutput(output, found, table);
  if (found.length === 0 && output === 'table') say('no live workers; start one with kflow worker FILE');
  return ExitStatus.Done;
}
