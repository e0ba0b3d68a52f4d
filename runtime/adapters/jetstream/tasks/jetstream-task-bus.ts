import type { ExecutionKey } from '../../../api-contract/execution-key';
import type { TaskMessage, WorkerEntry } from '../../../api-contract/task-message';
import type {
  SentTask,
  TaskBeat,
  TaskBus,
  TaskReports,
  UnwantedTask,
  Withdrawal,
} from '../../../controller/executions/ports/task-bus';
import { Listening } from './listening';
import { NamespaceParts, type UseConnection } from './namespace-parts';
import { NamespaceTasks } from './namespace-tasks';

export interface TaskBusProps {
  readonly use: UseConnection;
  readonly replicas: number;
  readonly onWarning: (text: string) => void;
}

/** The tasks of all namespaces, each in the account of its namespace. */
export class JetStreamTaskBus implements TaskBus {
  private readonly tasks: NamespaceParts<NamespaceTasks>;
  private readonly listening = new Listening();

  constructor({ use, replicas, onWarning }: TaskBusProps) {
    this.tasks = new NamespaceParts(use, (connection, namespace) =>
      NamespaceTasks.open({ connection, namespace, replicas, onWarning }),
    );
  }

  listen(namespace: string, reports: TaskReports): Promise<void> {
    return this.listening.start(namespace, (signal, begun) =>
      this.tasks.in(namespace, (tasks) => tasks.listen(reports, signal, begun)),
    );
  }

  send(namespace: string, messages: readonly TaskMessage[]): Promise<readonly SentTask[]> {
    return this.tasks.in(namespace, (tasks) => tasks.send(messages));
  }

  reported({ namespace, execution }: ExecutionKey): Promise<ReadonlySet<string>> {
    return this.tasks.in(namespace, (tasks) => tasks.reported(execution));
  }

  withdraw(namespace: string, unwanted: readonly UnwantedTask[]): Promise<readonly Withdrawal[]> {
    return this.tasks.in(namespace, (tasks) => Promise.all(unwanted.map((task) => tasks.withdraw(task))));
  }

  lastHeartbeats(namespace: string, ids: readonly string[]): Promise<readonly (TaskBeat | undefined)[]> {
    return this.tasks.in(namespace, (tasks) => Promise.all(ids.map((id) => tasks.lastHeartbeat(id))));
  }

  workers(namespace: string): Promise<readonly WorkerEntry[]> {
    return this.tasks.in(namespace, (tasks) => tasks.workers());
  }

  async close(): Promise<void> {
    this.listening.close();
  }
}
