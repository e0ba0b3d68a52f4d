import { executionPhases } from '../../../api-contract/execution-phase';
import type { ExecutionStore } from '../ports/execution-store';
import type { TaskBus, TaskReports } from '../ports/task-bus';
import type { EventWaits } from '../waits/event-waits';
import type { LatchWaits } from '../waits/latch-waits';

const everyMs = 5_000;

/**
 * Has this controller take the results and events of every namespace with running executions, whichever controller started
 * them, and wakes steps that a controller which ended has not told.
 */
export class ExecutionWatch {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly props: {
      readonly store: Pick<ExecutionStore, 'list'>;
      readonly bus: Pick<TaskBus, 'listen'>;
      readonly reports: TaskReports;
      readonly latches: Pick<LatchWaits, 'sweep'>;
      readonly eventWaits: Pick<EventWaits, 'listen'>;
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
    const { store, bus, reports, latches, eventWaits, onWarning } = this.props;
    try {
      const open = (await store.list()).filter(({ status }) => !executionPhases[status].isClosed);
      const namespaces = [...new Set(open.map(({ namespace }) => namespace))];
      for (const namespace of namespaces) {
        await bus.listen(namespace, reports);
        await eventWaits.listen(namespace);
        await latches.sweep(namespace);
      }
    } catch (error) {
      onWarning(`cannot look for running executions: ${(error as Error).message}; retrying`);
    }
  }
}
