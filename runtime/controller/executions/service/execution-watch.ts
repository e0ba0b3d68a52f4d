import { executionPhases } from '../../../api-contract/execution-phase';
import type { ExecutionStore } from '../ports/execution-store';
import type { TaskBus, TaskReports } from '../ports/task-bus';
import type { EventWaits } from '../waits/event-waits';
import type { LatchWaits } from '../waits/latch-waits';

const everyMs = 5_000;

/**
 * Has this controller take the results and events of every namespace with running executions, whichever controller started
 * them, and wakes steps that a controller which ended has not told.
 *
 * W1. A namespace whose nats cannot be reached delays no other one.
 */
export class ExecutionWatch {
  private timer: NodeJS.Timeout | undefined;
  /** Namespaces that are being looked after: W1. */
  private readonly busy = new Set<string>();

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
    const { store, onWarning } = this.props;
    try {
      const open = (await store.list()).filter(({ status }) => !executionPhases[status].isClosed);
      const namespaces = [...new Set(open.map(({ namespace }) => namespace))];
      await Promise.all(namespaces.map((namespace) => this.lookAfter(namespace)));
    } catch (error) {
      onWarning(`cannot look for running executions: ${(error as Error).message}; retrying`);
    }
  }

  /** W1. */
  private async lookAfter(namespace: string): Promise<void> {
    const { bus, reports, latches, eventWaits, onWarning } = this.props;
    if (this.busy.has(namespace)) return;
    this.busy.add(namespace);
    try {
      await bus.listen(namespace, reports);
      await eventWaits.listen(namespace);
      await latches.sweep(namespace);
    } catch (error) {
      onWarning(`cannot look after the executions of ${namespace}: ${(error as Error).message}; retrying`);
    } finally {
      this.busy.delete(namespace);
    }
  }
}
