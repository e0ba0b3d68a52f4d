import { KFlowError } from '../../../../lib/errors';
import { formatTaskName, parseTaskName } from '../../../../lib/plan/task-names';
import { executionName } from '../../../api-contract/execution-key';
import type { TaskMessage } from '../../../api-contract/task-message';
import type { ExecutionStore } from '../ports/execution-store';
import type { SharedValues } from '../ports/shared-values';
import type { TaskBus, TaskReports } from '../ports/task-bus';
import type { TaskTokens } from '../task-tokens';
import type { EventWaits } from '../waits/event-waits';
import type { LatchWaits } from '../waits/latch-waits';
import type {
  AdmissionResult,
  ExecutionActivities,
  OrderResult,
  TaskOrder,
  TaskOrders,
} from '../workflow/execution-activities';
import { taskId, wireStep } from '../workflow/task-id';
import { admitAttempt, leaveAttempt } from './admit-attempt';
import { beginWait, endWait } from './begin-wait';

/** The ports that the activities use. */
export interface ExecutionPorts {
  readonly store: ExecutionStore;
  readonly bus: TaskBus;
  readonly reports: TaskReports;
  readonly tokens: TaskTokens;
  readonly shared: SharedValues;
  readonly latches: LatchWaits;
  readonly eventWaits: EventWaits;
}

/** The activities of executions, over the ports. They throw the errors of the ports. */
export function createExecutionActivities(ports: ExecutionPorts): ExecutionActivities {
  const { store, bus, reports } = ports;
  return {
    sendTasks: async (orders) => {
      const { namespace } = orders.key;
      // the watch says why a namespace cannot be read; a message is stored all the same
      bus.listen(namespace, reports).catch(() => undefined);
      return Promise.all(
        orders.orders.map(async (order): Promise<OrderResult> => {
          const [sent] = await bus.send(namespace, [messageOf(ports, orders, order)]).catch(refusalOf);
          return sent ?? { code: 'task-lost', message: 'the task was not stored' };
        }),
      );
    },
    withdrawTasks: ({ namespace }, tasks) => bus.withdraw(namespace, tasks),
    lastHeartbeats: (namespace, ids) => bus.lastHeartbeats(namespace, ids),
    beginWaits: (namespace, waits) => Promise.all(waits.map((wait) => beginWait(ports, namespace, wait))),
    endWaits: async (namespace, waits) => {
      for (const wait of waits) await endWait(ports, namespace, wait);
    },
    admit: async (namespace, attempts) => {
      const results: AdmissionResult[] = [];
      for (const attempt of attempts) results.push(await admitAttempt(ports, namespace, attempt));
      return results;
    },
    leave: async (namespace, attempts) => {
      for (const attempt of attempts) await leaveAttempt(ports, namespace, attempt);
    },
    keepExecution: async (snapshot, view) => {
      await store.saveSnapshot(snapshot);
      await store.update(view, snapshot.definition.incarnation);
    },
    loadExecution: async (key) => {
      const snapshot = await store.snapshot(key);
      if (snapshot === undefined) throw new Error(`the store has no state of ${executionName(key)}`);
      return snapshot;
    },
  };
}

/** A message that the server never takes fails the step; anything else is tried again. */
function refusalOf(error: unknown): readonly OrderResult[] {
  if (!(error instanceof KFlowError) || error.code !== 'payload-too-large') throw error;
  return [{ code: error.code, message: error.message }];
}

function messageOf({ tokens }: ExecutionPorts, { key, run, flow }: TaskOrders, order: TaskOrder): TaskMessage {
  const { step, attempt, name, base, parameters, input, timeouts } = order;
  const { namespace, execution } = key;
  return {
    v: 1,
    id: taskId(execution, run, step, attempt),
    token: tokens.make(namespace, { execution, run, step, attempt, isReceiptDue: timeouts !== undefined }),
    execution,
    ...(flow === undefined ? {} : { flow }),
    step: wireStep(step),
    task: formatTaskName(parseTaskName(base)),
    name,
    ...(parameters === undefined ? {} : { parameters }),
    input,
    attempt,
    ...(timeouts === undefined ? {} : { timeouts, wantsReceipt: true }),
    sentAt: new Date().toISOString(),
  };
}
