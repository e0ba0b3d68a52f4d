import { ApplicationFailure } from '@temporalio/activity';
import { formatTaskName, parseTaskName } from '../../../../lib/plan/task-names';
import { executionName } from '../../../api-contract/execution-key';
import { executionPhases } from '../../../api-contract/execution-phase';
import type { FollowingTask, TaskMessage } from '../../../api-contract/task-message';
import { ClaimedValues } from '../claimed-values';
import type { ExecutionStore } from '../ports/execution-store';
import { headOf } from '../ports/step-ref';
import type { ReportReceipts, TaskBus, TaskReports } from '../ports/task-bus';
import { taskId, wireStep } from '../ports/task-id';
import type { TaskValues } from '../ports/task-values';
import type { TaskToken, TaskTokens } from '../task-tokens';
import type { EventWaits } from '../waits/event-waits';
import type { LatchWaits } from '../waits/latch-waits';
import type { Memos } from '../waits/memos';
import type {
  AdmissionResult,
  ExecutionActivities,
  FollowingOrder,
  OrderResult,
  TaskOrder,
  TaskOrders,
} from '../workflow/execution-activities';
import { admitAttempt, leaveAttempt } from './admit-attempt';
import { beginWait, endWait } from './begin-wait';
import { finalFailure } from './final-failure';
import { lookIntoInput } from './look-into-input';

/** The ports that the activities use. */
export interface ExecutionPorts {
  readonly store: ExecutionStore;
  readonly bus: TaskBus;
  readonly reports: TaskReports & ReportReceipts;
  readonly tokens: TaskTokens;
  readonly values: TaskValues;
  readonly latches: LatchWaits;
  readonly memos: Memos;
  readonly eventWaits: EventWaits;
}

/** The activities of executions, over the ports. They throw the errors of the ports. */
export function createExecutionActivities(ports: ExecutionPorts): ExecutionActivities {
  const { store, bus, reports } = ports;
  const valuesOf = (namespace: string, mark: string) => new ClaimedValues(ports.values, namespace, mark);
  return {
    sendTasks: async (orders) => {
      const { namespace } = orders.key;
      reports.received(orders.key, orders.received);
      // the watch says why a namespace cannot be read; a message is stored all the same
      bus.listen(namespace, reports).catch(() => undefined);
      const reported = await bus.reported(orders.key);
      return Promise.all(orders.orders.map((order) => sendTask(ports, orders, { order, reported })));
    },
    withdrawTasks: ({ namespace }, tasks) => bus.withdraw(namespace, tasks),
    lastHeartbeats: async (namespace, ids) => {
      const beats = await bus.lastHeartbeats(namespace, ids);
      return beats.map((beat) => beat?.atMs ?? null);
    },
    lookInto: async ({ inputs, ...of }) => {
      const values = valuesOf(of.key.namespace, of.mark);
      return Promise.all(inputs.map((input) => lookIntoInput(values, of, input)));
    },
    beginWaits: (namespace, waits) => Promise.all(waits.map((wait) => beginWait(ports, namespace, wait))),
    endWaits: async (namespace, waits) => {
      for (const wait of waits) await endWait(ports, namespace, wait);
    },
    admit: async (namespace, attempts, mark) => {
      const admission = { ...ports, values: valuesOf(namespace, mark) };
      const results: AdmissionResult[] = [];
      for (const attempt of attempts) results.push(await admitAttempt(admission, namespace, attempt));
      return results;
    },
    leave: async (namespace, attempts, mark) => {
      const admission = { ...ports, values: valuesOf(namespace, mark) };
      for (const attempt of attempts) await leaveAttempt(admission, namespace, attempt);
    },
    keepExecution: async (snapshot, view) => {
      await store.saveSnapshot(snapshot);
      await store.update(view, snapshot.definition.incarnation);
      if (executionPhases[view.status].isClosed) reports.ended(view);
    },
    loadExecution: async (key) => {
      const snapshot = await store.snapshot(key);
      if (snapshot === undefined) {
        const message = `the store has no state of ${executionName(key)}`;
        throw ApplicationFailure.nonRetryable(message, 'execution-lost');
      }
      return snapshot;
    },
  };
}

async function sendTask(
  ports: ExecutionPorts,
  orders: TaskOrders,
  { order, reported }: { readonly order: TaskOrder; readonly reported: ReadonlySet<string> },
): Promise<OrderResult> {
  try {
    const message = await messageOf(ports, orders, order);
    if (reported.has(message.id)) return { isReported: true };
    const [sent] = await ports.bus.send(orders.key.namespace, [message]);
    return sent ?? { code: 'task-lost', message: 'the task was not stored' };
  } catch (error) {
    return finalFailure(error);
  }
}

async function messageOf(ports: ExecutionPorts, orders: TaskOrders, order: TaskOrder): Promise<TaskMessage> {
  const { key, mark, flow, metadata } = orders;
  const { timeouts, next = [] } = order;
  const claimed = new ClaimedValues(ports.values, key.namespace, mark);
  const parts = { tokens: ports.tokens, claimed };
  const task = await taskOf(parts, orders, { ...order, isReceiptDue: timeouts !== undefined });
  const input = await claimed.toMessage(`${task.id}/input`, order.input);
  const head = headOf(order);
  const following = next.map((each) => taskOf(parts, orders, { ...each, head, isReceiptDue: false }));
  return {
    v: 1,
    execution: key.execution,
    ...(flow === undefined ? {} : { flow }),
    ...(metadata === undefined ? {} : { metadata }),
    ...task,
    input,
    ...(timeouts === undefined ? {} : { wantsReceipt: true }),
    ...(following.length === 0 ? {} : { next: await Promise.all(following) }),
    sentAt: new Date().toISOString(),
  };
}

/** What a message has of each of its tasks. */
async function taskOf(
  { tokens, claimed }: { readonly tokens: TaskTokens; readonly claimed: ClaimedValues },
  { key, run }: TaskOrders,
  order: FollowingOrder & Pick<TaskToken, 'head' | 'isReceiptDue'>,
): Promise<FollowingTask> {
  const { step, attempt, name, base, timeouts, wantsList, head, isReceiptDue } = order;
  const ref = { execution: key.execution, run, step, attempt, ...(head === undefined ? {} : { head }) };
  const id = taskId(ref);
  const parameters = await claimed.toMessage(`${id}/parameters`, order.parameters);
  return {
    id,
    token: tokens.make(key.namespace, { ...ref, isReceiptDue }),
    step: wireStep(step),
    task: formatTaskName(parseTaskName(base)),
    name,
    ...(parameters === undefined ? {} : { parameters }),
    attempt,
    ...(timeouts === undefined ? {} : { timeouts }),
    ...(wantsList === undefined ? {} : { wantsList }),
  };
}
