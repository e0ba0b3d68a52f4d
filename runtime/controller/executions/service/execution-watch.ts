import { executionPhases } from '../../../api-contract/execution-phase';
import type { ExecutionStore } from '../ports/execution-store';
import type { TaskBus, TaskReports } from '../ports/task-bus';

const everyMs = 5_000;

/** Has this controller take the results of every namespace with running executions, whichever controller started them. */
export class ExecutionWatch {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly props: {
      readonly store: Pick<ExecutionStore, 'list'>;
      readonly bus: Pick<TaskBus, 'listen'>;
      readonly reports: TaskReports;
      readonly onWarning: (text: string) => void;
    },
  ) {}

  start(): void {
    void this.look();
    this.timer = setInterval(() => void this.look(), everyMs);
    this.timer.unref();
  }

  close(): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    const { store, bus, reports, onWarning } = this.props;
    try {
      const open = (await store.list()).filter(({ status }) => !executionPhases[status].isClosed);
      const namespaces = [...new Set(open.map(({ namespace }) => namespace))];
      await Promise.all(namespaces.map((namespace) => bus.listen(namespace, reports)));
    } catch (error) {
      onWarning(`cannot look for running executions: ${(error as Error).message}; retrying`);
    }
  }
}
