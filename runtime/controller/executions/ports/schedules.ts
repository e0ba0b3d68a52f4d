import type { ScheduleSpec, ScheduleView } from '../../../api-contract/execution-changes';
import type { ExecutionDefinition, ExecutionInput } from './execution-workflow';

/** A schedule and what it starts; `execution` of the definition is the id of the schedule. */
export interface NewSchedule extends ScheduleSpec {
  readonly definition: ExecutionDefinition;
  readonly input: ExecutionInput;
}

/** Schedules on the server that runs the workflows. Throws ConfigError `server-failed` when it does not respond in time. */
export interface Schedules {
  /** Creates a schedule, or replaces the one with the id. Throws ConfigError `config-invalid` for what is no cron expression. */
  put(schedule: NewSchedule): Promise<ScheduleView>;
  /** The list may be some seconds old. */
  list(namespace?: string): Promise<readonly ScheduleView[]>;
  /** False if there is none. */
  remove(namespace: string, schedule: string): Promise<boolean>;
}
