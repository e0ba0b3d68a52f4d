import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
  type ScheduleSummary,
} from '@temporalio/client';
import { ConfigError } from '../../../lib/errors';
import type { ScheduleView } from '../../api-contract/execution-changes';
import { executionType, executionWorkflowId } from '../../controller/executions/ports/execution-workflow';
import type { NewSchedule, Schedules } from '../../controller/executions/ports/schedules';
import { callTemporal } from './call-temporal';
import { queuePrefix } from './workflow-ids';

const overlaps = {
  skip: ScheduleOverlapPolicy.SKIP,
  queue: ScheduleOverlapPolicy.BUFFER_ALL,
  cancel: ScheduleOverlapPolicy.CANCEL_OTHER,
} as const;

const memoKey = 'schedule';

/** Schedules of executions on a Temporal server. */
export class TemporalSchedules implements Schedules {
  constructor(
    private readonly client: Client,
    private readonly taskQueue: string,
  ) {}

  put(schedule: NewSchedule): Promise<ScheduleView> {
    const { definition, input, cron, timezone, overlap } = schedule;
    const view = viewOf(schedule);
    const options: ScheduleOptions = {
      scheduleId: this.idOf(definition.namespace, definition.execution),
      spec: { cronExpressions: [cron], timezone },
      policies: { overlap: overlaps[overlap] },
      action: {
        type: 'startWorkflow',
        workflowType: executionType,
        workflowId: `${queuePrefix(this.taskQueue)}${executionWorkflowId(definition)}`,
        taskQueue: this.taskQueue,
        args: [input],
        memo: { incarnation: definition.incarnation },
      },
      memo: { [memoKey]: view },
    };
    return this.call(definition.execution, async () => {
      const { schedule: client } = this.client;
      try {
        await client.create(options);
      } catch (error) {
        if (!(error instanceof ScheduleAlreadyRunning)) throw invalid(error, schedule);
        await client.getHandle(options.scheduleId).delete();
        await client.create(options);
      }
      const { info } = await client.getHandle(options.scheduleId).describe();
      return withTimes(view, info);
    });
  }

  list(namespace?: string): Promise<readonly ScheduleView[]> {
    return this.call('the list of schedules', async () => {
      const found: ScheduleView[] = [];
      for await (const { scheduleId, memo, info } of this.client.schedule.list()) {
        const view = memo?.[memoKey] as ScheduleView | undefined;
        if (view === undefined || scheduleId !== this.idOf(view.namespace, view.schedule)) continue;
        if (namespace !== undefined && view.namespace !== namespace) continue;
        found.push(withTimes(view, info));
      }
      return found.sort((one, other) => one.schedule.localeCompare(other.schedule));
    });
  }

  remove(namespace: string, schedule: string): Promise<boolean> {
    return this.call(schedule, async () => {
      try {
        await this.client.schedule.getHandle(this.idOf(namespace, schedule)).delete();
        return true;
      } catch (error) {
        if (error instanceof ScheduleNotFoundError) return false;
        throw error;
      }
    });
  }

  private idOf(namespace: string, schedule: string): string {
    return `${queuePrefix(this.taskQueue)}schedule/${namespace}/${schedule}`;
  }

  private call<T>(where: string, request: () => Promise<T>): Promise<T> {
    return callTemporal(this.client, where, request);
  }
}

function withTimes(view: ScheduleView, info: ScheduleSummary['info']): ScheduleView {
  const [next] = info?.nextActionTimes ?? [];
  const last = info?.recentActions.at(-1)?.takenAt;
  return {
    ...view,
    ...(next === undefined ? {} : { next: next.toISOString() }),
    ...(last === undefined ? {} : { last: last.toISOString() }),
  };
}

function viewOf({ definition, cron, timezone, overlap }: NewSchedule): ScheduleView {
  const { namespace, execution, name, attributes, by, comment } = definition;
  return {
    namespace,
    schedule: execution,
    cron,
    timezone,
    overlap,
    attributes,
    by,
    ...(name === undefined ? {} : { name }),
    ...(comment === undefined ? {} : { comment }),
  };
}

/** What the server refuses of a schedule arrives as a TypeError. */
function invalid(error: unknown, { cron, timezone }: NewSchedule): unknown {
  if (!(error instanceof TypeError)) return error;
  const message = `schedule: "${cron}" in the time zone "${timezone}": ${error.message}`;
  return new ConfigError('config-invalid', message, { cause: error });
}
