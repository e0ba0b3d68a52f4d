import type { TraceEntry } from '../../../api-contract/execution-status';
import { executionNamed, openExecutions } from '../../client/execution-session';
import type { FlowOptions } from '../../client/flow-session';
import { ExitStatus } from '../../frame/exit-status';
import { type Column, renderTable } from '../../render/table';
import { mediumOf, writeOutput } from '../../terminal/output';

const columns: readonly Column<TraceEntry>[] = [
  { head: 'AT', cell: ({ at }) => at },
  { head: 'STEP', cell: ({ step = '-' }) => step },
  { head: 'NAME', cell: ({ name = '-' }) => name },
  { head: 'WHAT', cell: ({ what }) => what },
  { head: 'ATTEMPT', align: 'right', cell: ({ attempt }) => (attempt === undefined ? '-' : String(attempt)) },
  { head: 'WHO', cell: ({ worker, by }) => worker ?? by ?? '-' },
  { head: 'MESSAGE', cell: ({ message = '' }) => message, isTruncated: true },
];

export async function traceExecution({
  execution,
  output,
  ...options
}: FlowOptions & { readonly execution: string }): Promise<ExitStatus> {
  const client = await openExecutions(options);
  const trace = await client.trace(executionNamed(execution, options.namespace));
  writeOutput(output, trace, () => renderTable(trace, columns, mediumOf(process.stdout)));
  return ExitStatus.Done;
}
