import type { ScheduleView } from '../../../api-contract/execution-changes';
import { executionName } from '../../../api-contract/execution-key';
import { executionNamed, openExecutions } from '../../client/execution-session';
import type { FlowOptions } from '../../client/flow-session';
import { ExitStatus } from '../../frame/exit-status';
import { type Column, renderTable } from '../../render/table';
import { mediumOf, say, writeOutput } from '../../terminal/output';

const columns: readonly Column<ScheduleView>[] = [
  { head: 'SCHEDULE', cell: ({ namespace, schedule }) => `${namespace}/${schedule}` },
  { head: 'FLOW', cell: ({ name = '-' }) => name },
  { head: 'CRON', cell: ({ cron }) => cron },
  { head: 'ZONE', cell: ({ timezone }) => timezone, dispensable: 1 },
  { head: 'OVERLAP', cell: ({ overlap }) => overlap },
  { head: 'NEXT', cell: ({ next = '-' }) => next },
  { head: 'LAST', cell: ({ last = '-' }) => last, dispensable: 2 },
];

export async function listSchedules({
  all,
  output,
  ...options
}: FlowOptions & { readonly all: boolean }): Promise<ExitStatus> {
  const client = await openExecutions(options);
  const found = await client.schedules(all ? undefined : (options.namespace ?? 'default'));
  writeOutput(output, found, () => (found.length === 0 ? '' : renderTable(found, columns, mediumOf(process.stdout))));
  if (found.length === 0 && output === 'table') say('no schedules; set one with kflow submit FILE.flow --schedule');
  return ExitStatus.Done;
}

interface RemoveInput extends FlowOptions {
  readonly schedule: string;
  readonly comment: string | undefined;
}

export async function removeSchedule({ schedule, comment, output, ...options }: RemoveInput): Promise<ExitStatus> {
  const client = await openExecutions({ ...options, ...(comment === undefined ? {} : { comment }) });
  const key = executionNamed(schedule, options.namespace);
  await client.unschedule(key);
  writeOutput(output, { namespace: key.namespace, schedule: key.execution }, () => `${executionName(key)}: removed\n`);
  return ExitStatus.Done;
}
