import { queuePrefix } from '../../runtime/adapters/temporal/workflow-ids';
import type { ExecutionKey } from '../../runtime/api-contract/execution-key';
import { executionWorkflowId } from '../../runtime/controller/executions/ports/execution-workflow';
import { ExecutionPlace } from '../integration/executions/execution-place';
import { TaskFailure, type TaskFunction } from '../support/bare-worker';

const requester = { by: 'eva' };
const tooLarge = 70_000;

interface Recording {
  readonly flow: string;
  readonly input?: unknown;
  /** What is done to the execution, until it ends. */
  readonly act?: (place: ExecutionPlace, key: ExecutionKey) => Promise<unknown>;
  /** The workflow continues in a new run after so many events. */
  readonly historyLength?: number;
}

/** Executions whose histories are recorded, one for each way in which a workflow of executions moves. */
const recordings = {
  'execution-map': {
    flow: '* { k:A → ? `$[?(@ != 3)]` k:B } with (- map: {limit: 2, tolerate: 1} -) → * k:odd catch k:A',
    input: [1, 2, 3, 4],
  },
  'execution-catch': {
    flow: 'k:A :a → { k:fail | k:B } catch k:C → :end; :a → k:fail catch { k:A → k:B }',
    input: { x: 1 },
  },
  'execution-retry': {
    flow: '@task k:flaky with (- retry: {attempts: 3, backoff: 50ms, jitter: true} -)\nk:flaky → k:A',
  },
  'execution-timer': {
    flow: `@task k:late with (- {timeout: {run: 300ms, heartbeat: 100ms}, optional: skip} -)
@task k:untaken = nobody:there with (- {timeout: {start: 200ms}, optional: skip} -)
wait:delay(- duration: 200ms -) → { k:late | k:untaken } → approve(- {title: t, deadline: 100ms, otherwise: reject} -)`,
  },
  'execution-chain': { flow: 'k:A → k:B → k:grow → k:A → k:shrink → ? `$.x` k:B → k:C', input: { x: 1 } },
  'execution-chain-continued': {
    flow: 'k:A → k:B → k:C → wait:delay(- duration: 100ms -) → k:A → k:B → k:C → wait:delay(- duration: 100ms -) → k:A → k:B',
    historyLength: 20,
  },
  'execution-canceled': {
    flow: '@finally k:A\n{ k:A → k:B → k:hang | wait:event(- event: never -) | wait:delay(- duration: 1d -) | k:hang }',
    act: async (place, key) => {
      await place.until(key, ({ steps }) =>
        steps.some(({ task, status }) => task === 'k:hang' && status === 'running'),
      );
      await place.service.cancel(key, { graceSeconds: 1 }, requester);
    },
  },
  'execution-canceled-outside': {
    flow: 'k:A → { wait:delay(- duration: 1d -) | k:hang }',
    act: async (place, key) => {
      await place.until(key, ({ steps }) =>
        steps.some(({ task, status }) => task === 'k:hang' && status === 'running'),
      );
      await place.controller.cancelExecution(key);
    },
  },
} satisfies { readonly [name: string]: Recording };

export const executions: { readonly [name in keyof typeof recordings]: Recording } = recordings;

const fails: TaskFunction = () => {
  throw new TaskFailure({ code: 'broken', message: 'it broke' });
};

function tasks(): { readonly [name: string]: TaskFunction } {
  const pass: TaskFunction = ({ input }) => input;
  const failing = (times: number): TaskFunction => {
    let count = 0;
    return (task, signal) => (count++ < times ? fails(task, signal) : task.input);
  };
  return {
    A: pass,
    B: pass,
    C: pass,
    fail: fails,
    odd: (task, signal) => (Number(task.input) % 2 === 0 ? fails(task, signal) : task.input),
    flaky: failing(2),
    grow: ({ input }) => ({ ...(input as object), ballast: 'x'.repeat(tooLarge) }),
    shrink: ({ input }) => ({ x: (input as { readonly x: unknown }).x }),
    hang: (_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve({}))),
    late: (_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve({}))),
  };
}

/** Runs an execution until it ends; `save` gets the address of Temporal, and the id of the workflow. */
export async function runExecution(
  name: keyof typeof executions,
  save: (address: string, workflowId: string) => Promise<void>,
): Promise<void> {
  const { flow, input, act, historyLength } = executions[name];
  const place = await ExecutionPlace.open('replay', historyLength === undefined ? {} : { historyLength });
  try {
    await place.worker(tasks(), 'k', { goesOn: true });
    const { execution } = await place.start(flow, input, name);
    await act?.(place, execution);
    await place.ended(execution);
    await save(place.controller.temporal.address, `${queuePrefix('kflow')}${executionWorkflowId(execution)}`);
  } finally {
    await place.close();
  }
}
