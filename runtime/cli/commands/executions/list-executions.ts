import { executionName } from '../../../api-contract/execution-key';
import type { ExecutionView } from '../../../api-contract/execution-status';
import { openExecutions } from '../../client/execution-session';
import type { FlowOptions } from '../../client/flow-session';
import { ExitStatus } from '../../frame/exit-status';
import { phaseStyle } from '../../render/execution-status';
import { age } from '../../render/measures';
import { type Column, renderTable } from '../../render/table';
import { mediumOf, say, writeOutput } from '../../terminal/output';

/** What executions are chosen by. */
export interface ExecutionConditions {
  readonly name?: string;
  readonly status?: ExecutionView['status'];
  readonly since?: string;
  readonly until?: string;
  readonly attribute: readonly string[];
}

interface ListInput extends ExecutionConditions, FlowOptions {
  readonly limit: number;
  readonly all: boolean;
}

export async function listExecutions({ limit, all, output, ...options }: ListInput): Promise<ExitStatus> {
  const client = await openExecutions(options);
  const namespace = all ? undefined : (options.namespace ?? 'default');
  const found = await client.list(namespace, { ...queryConditions(options), limit });
  writeOutput(output, found, () => (found.length === 0 ? '' : renderExecutions(found)));
  if (found.length === 0 && output === 'table') say('no executions; start one with kflow submit FILE.flow');
  if (found.length === limit && output === 'table') say(`there may be more; --limit is ${limit}`);
  return ExitStatus.Done;
}

/** The conditions as a query of the API. */
export function queryConditions({ name, status, since, until, attribute }: ExecutionConditions) {
  return { name, status, since, until, attribute: [...attribute] };
}

export function renderExecutions(executions: readonly ExecutionView[]): string {
  const nowMs = Date.now();
  const columns: readonly Column<ExecutionView>[] = [
    { head: 'EXECUTION', cell: executionName },
    { head: 'FLOW', cell: ({ name = '-' }) => name, dispensable: 2 },
    { head: 'STATUS', cell: ({ status }) => ({ text: status, style: phaseStyle(status) }) },
    { head: 'RUN', align: 'right', cell: ({ run }) => String(run), dispensable: 3 },
    { head: 'AGE', align: 'right', cell: ({ startedAt }) => age(startedAt, nowMs) },
    {
      head: 'TOOK',
      align: 'right',
      cell: ({ startedAt, endedAt }) => (endedAt === null ? '-' : age(startedAt, Date.parse(endedAt))),
      dispensable: 1,
    },
    {
      head: 'ATTRIBUTES',
      cell: ({ attributes }) =>
        Object.entries(attributes)
          .map((pair) => pair.join('='))
          .join(' '),
      isTruncated: true,
    },
  ];
  return renderTable(executions, columns, mediumOf(process.stdout));
}
