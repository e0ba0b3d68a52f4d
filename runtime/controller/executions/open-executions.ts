import { taskWire } from '../../../lib/plan/task-names';
import { executionPhases } from '../../api-contract/execution-phase';
import type { InstallationKey } from '../../installation/installation-key';
import { type CallPorts, createExecutionCalls } from './activities/call-step';
import { createExecutionActivities } from './activities/create-execution-activities';
import { RequestAddresses } from './activities/request-addresses';
import type { ExecutionStore } from './ports/execution-store';
import type { ExecutionWorkflows } from './ports/execution-workflow';
import type { Schedules } from './ports/schedules';
import type { SharedValues } from './ports/shared-values';
import type { StoredObjects } from './ports/stored-objects';
import type { TaskBus } from './ports/task-bus';
import type { TaskEvents } from './ports/task-events';
import type { TaskValues } from './ports/task-values';
import { ExecutionController } from './service/execution-controller';
import { ExecutionWatch } from './service/execution-watch';
import { LargeOutputs } from './service/large-outputs';
import { LostExecutions } from './service/lost-executions';
import { ReportForwarder } from './service/report-forwarder';
import { TaskTokens } from './task-tokens';
import { EventWaits } from './waits/event-waits';
import { LatchWaits } from './waits/latch-waits';
import { Memos } from './waits/memos';
import type { ExecutionActivities, ExecutionCalls } from './workflow/execution-activities';

/** Of one execution, at a time. */
const maxCalls = 500;

/** What executions share with workers, in the nats account of each namespace. */
export interface TaskPorts {
  readonly bus: TaskBus;
  readonly events: TaskEvents;
  readonly shared: SharedValues;
  readonly values: TaskValues;
}

export interface ExecutionParts {
  readonly key: InstallationKey;
  readonly store: ExecutionStore;
  readonly workflows: ExecutionWorkflows;
  readonly schedules: Schedules;
  readonly tasks: TaskPorts;
  readonly objects: StoredObjects;
  readonly calls: Omit<CallPorts, 'values' | 'tokens' | 'addresses' | 'isWanted' | 'objects'>;
  /** Those of requests, as the settings have them. */
  readonly addresses: readonly string[] | undefined;
  readonly historyLength: number;
  readonly onWarning: (text: string) => void;
}

export interface OpenExecutions {
  readonly service: ExecutionController;
  readonly activities: ExecutionActivities;
  /** Activities that take long. */
  readonly calls: ExecutionCalls;
  close(): void;
}

/** The service of executions, the activities of their workflows, and the watch over namespaces with running executions. */
export function openExecutions(parts: ExecutionParts): OpenExecutions {
  const { key, store, workflows, schedules, tasks, objects, historyLength, onWarning } = parts;
  const { bus, events, shared, values } = tasks;
  const tokens = new TaskTokens(key);
  const reports = new ReportForwarder({ workflows, tokens, outputs: new LargeOutputs(values) });
  const latches = new LatchWaits({
    shared,
    wake: async (namespace, steps, kind) => {
      await Promise.all(steps.map((ref) => reports.tell(namespace, ref, { kind })));
    },
    hasEnded: async (namespace, { execution }) => {
      const listed = await store.find({ namespace, execution });
      if (listed === undefined || executionPhases[listed.view.status].isClosed) return true;
      return (await workflows.describe({ namespace, execution }))?.isOpen === false;
    },
  });
  const eventWaits = new EventWaits({
    shared,
    events,
    endWaits: async (namespace, ended) => {
      await Promise.all(ended.map(({ ref, ...end }) => reports.tell(namespace, ref, { kind: 'succeeded', ...end })));
    },
  });
  const memos = new Memos({ shared, values });
  const lost = new LostExecutions({ store, workflows });
  const watch = new ExecutionWatch({ store, bus, reports, latches, memos, shared, lost, eventWaits, onWarning });
  watch.start();
  const { cancelGraceMs, following } = taskWire;
  const limits = { historyLength, cancelGraceMs, following, reportsFirst: true, calls: maxCalls } as const;
  return {
    service: new ExecutionController({
      workflows,
      schedules,
      store,
      bus,
      events,
      values,
      objects,
      tokens,
      reports,
      limits,
    }),
    activities: createExecutionActivities({ store, bus, reports, tokens, values, latches, memos, eventWaits }),
    calls: createExecutionCalls({
      ...parts.calls,
      values,
      tokens,
      addresses: new RequestAddresses(parts.addresses),
      objects,
      isWanted: async (namespace, ref) =>
        (await workflows.isWaitingFor({ namespace, execution: ref.execution }, ref)) === true,
    }),
    close: () => watch.close(),
  };
}
