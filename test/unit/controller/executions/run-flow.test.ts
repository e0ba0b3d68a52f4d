import { Context } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { StateError } from '../../../../lib/errors';
import type { FlowStatus } from '../../../../runtime/api-contract/flow-status';
import { type FlowRunPorts, runFlow } from '../../../../runtime/controller/executions/activities/run-flow';
import type { CallResult } from '../../../../runtime/controller/executions/workflow/execution-activities';
import { waitFor } from '../../../support/wait-for';

const sinceMs = Date.parse('2026-01-31T08:00:00Z');
const order = {
  ref: { execution: 'order-7', run: 1, step: '1', attempt: 1 },
  namespace: 'team',
  base: 'flow:run',
  parameters: { topology: '{}', jobId: 'job' },
  sinceMs,
  mark: '',
};

/** A flow that somebody may have submitted, and what is asked of it. */
class Flow {
  readonly asked: string[] = [];
  looks = 0;
  isWanted = true;

  constructor(private status: Partial<FlowStatus> = {}) {}

  begin(startTime: string, status: FlowStatus['status'] = 'Running'): void {
    this.status = { status, startTime, functions: [] };
  }

  run(): { readonly environment: MockActivityEnvironment; readonly result: Promise<CallResult> } {
    const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR', () => undefined) });
    const ports: FlowRunPorts = {
      isWanted: async () => this.isWanted,
      flows: () => ({
        submit: async () => {
          this.asked.push('submit');
          this.begin('2026-01-31T08:00:01Z');
          return { outcome: 'started', status: this.status as FlowStatus };
        },
        status: async () => {
          this.looks += 1;
          if (this.status.status === undefined) throw new StateError('flow-missing', 'no such flow');
          return this.status as FlowStatus;
        },
        end: async (_flow, ending) => {
          this.asked.push(ending);
          return this.status as FlowStatus;
        },
      }),
    };
    const run = () => runFlow(ports, order, Context.current().cancellationSignal);
    return { environment, result: environment.run(run) };
  }

  /** Runs the step until it waits for the flow, and cancels it for a reason of Temporal. */
  async canceled(reason: 'CANCELLED' | 'NOT_FOUND' | 'WORKER_SHUTDOWN'): Promise<void> {
    const { environment, result } = this.run();
    const failure = expect(result).rejects.toThrow();
    await waitFor('the step to wait', async () => this.looks > 0);
    environment.cancel(reason);
    await failure;
  }
}

describe('flow:run', () => {
  test('stops its flow when the step is canceled', async () => {
    const flow = new Flow();
    await flow.canceled('CANCELLED');
    expect(flow.asked).toEqual(['submit', 'stop']);
  });

  test('leaves its flow to the next controller when this one shuts down', async () => {
    const flow = new Flow();
    await flow.canceled('WORKER_SHUTDOWN');
    expect(flow.asked).toEqual(['submit']);
  });

  test.each([
    ['another controller has taken the step over', true, ['submit']],
    ['the execution was terminated', false, ['submit', 'stop']],
  ])('asks who waits when Temporal does not know the call any more: %s', async (_why, isWanted, asked) => {
    const flow = new Flow();
    flow.isWanted = isWanted;
    await flow.canceled('NOT_FOUND');
    expect(flow.asked).toEqual(asked);
  });

  test('takes the outcome of a flow that ended while no controller waited for it', async () => {
    const flow = new Flow();
    flow.begin('2026-01-31T08:00:02Z', 'Completed');
    expect(await flow.run().result).toMatchObject({ kind: 'succeeded', output: { status: 'Completed' } });
    expect(flow.asked).toEqual([]);
  });

  test('runs a flow anew that ended before the step began', async () => {
    const flow = new Flow();
    flow.begin('2026-01-31T07:00:00Z', 'Completed');
    const { environment, result } = flow.run();
    const failure = expect(result).rejects.toThrow();
    await waitFor('the flow to be submitted', async () => flow.asked.length > 0);
    environment.cancel('CANCELLED');
    await failure;
    expect(flow.asked).toEqual(['submit', 'stop']);
  });
});
