import { executionName } from '../../../api-contract/execution-key';
import type { ExecutionDetail } from '../../../api-contract/execution-status';

/** A suggestion for the next command on an execution, on one line. */
export function nextExecutionStep(execution: ExecutionDetail): string | undefined {
  const name = executionName(execution);
  const waits = execution.steps.flatMap((step) => (step.waits === undefined ? [] : [{ step, on: step.waits.for }]));
  switch (execution.status) {
    case 'Failed':
    case 'Stopped':
      return `continue with the steps that have not succeeded: kflow executions resume ${name}`;
    case 'Stopping':
      return `running tasks are ending; end it at once: kflow executions terminate ${name}`;
    case 'Pending':
    case 'Running': {
      const approval = waits.find(({ on }) => on === 'approval');
      if (approval !== undefined) return `decide: kflow executions approve ${name} --step ${approval.step.step}`;
      const worker = waits.find(({ on }) => on === 'worker');
      if (worker !== undefined) return `no worker has taken ${worker.step.name}; see the live ones: kflow workers`;
      return undefined;
    }
    case 'Completed':
      return undefined;
  }
}
