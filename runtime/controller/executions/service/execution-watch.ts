import { executionPhases } from '../../../api-contract/execution-phase';
import type { ExecutionStore } from '../ports/execution-store';
import type { SharedValues } from '../ports/shared-values';
import type { TaskBus, TaskReports } from '../ports/task-bus';
import type { EventWaits } from '../waits/event-waits';
import type { LatchWaits } from '../waits/latch-waits';
import type { Memos } from '../waits/memos';
import type { LostExecutions } from './lost-executions';

const everyMs = 5_000;
/** How often workflows are looked for that are gone, and what nobody needs any more. */
const lostEveryMs = 10_000;
const sweptEveryMs = 3_600_000;

/**
 * Has this controller take the results and events of every namespace with running executions, whichever controller started
 * them, and wakes steps that a controller which ended has not told.
 *
 * W1. A namespace whose nats cannot be reached delays no other one.
 */
export class ExecutionWatch {
  private timers: readonly NodeJS.Timeout[] = [];
  /** Namespaces that are being looked after: W1. */
  private readonly busy = new Set<string>();
  private isLooking = false;
  /** When the memos and shared values of a namespace were swept, in ms since 1970. */
  private readonly swept = new Map<string, number>();

  constructor(
    private readonly props: {
      readonly store: Pick<ExecutionStore, 'list'>;
      readonly bus: Pick<TaskBus, 'listen'>;
      readonly reports: TaskReports;
      readonly latches: Pick<LatchWaits, 'sweep'>;
      readonly memos: Pick<Memos, 'sweep'>;
      readonly shared: Pick<SharedValues, 'sweep'>;
      readonly lost: Pick<LostExecutions, 'sweep'>;
      readonly eventWaits: Pick<EventWaits, 'listen'>;
      readonly onWarning: (text: string) => void;
    },
  ) {}

  start(): void {
    void this.look();
    this.timers = [
      setInterval(() => void this.look(), everyMs).unref(),
      setInterval(() => void this.lookForLost(), lostEveryMs).unref(),
    ];
  }

  close(): void {
    for (const timer of this.timers) clearInterval(timer);
  }

  private async lookForLost(): Promise<void> {
    const { lost, onWarning } = this.props;
    if (this.isLooking) return;
    this.isLooking = true;
    try {
      await lost.sweep();
    } catch (error) {
      onWarning(`cannot look for lost executions: ${(error as Error).message}; retrying`);
    } finally {
      this.isLooking = false;
    }
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
    const { bus, reports, latches, memos, shared, eventWaits, onWarning } = this.props;
    if (this.busy.has(namespace)) return;
    this.busy.add(namespace);
    try {
      await bus.listen(namespace, reports);
      await eventWaits.listen(namespace);
      await latches.sweep(namespace);
      if (Date.now() - (this.swept.get(namespace) ?? 0) < sweptEveryMs) return;
      await memos.sweep(namespace);
      await shared.sweep(namespace);
      this.swept.set(namespace, Date.now());
    } catch (error) {
      onWarning(`cannot look after the executions of ${namespace}: ${(error as Error).message}; retrying`);
    } finally {
      this.busy.delete(namespace);
    }
  }
}
