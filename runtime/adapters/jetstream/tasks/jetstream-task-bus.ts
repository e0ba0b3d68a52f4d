import type { NatsConnection } from 'nats';
import type { TaskMessage, WorkerEntry } from '../../../api-contract/task-message';
import type {
  SentTask,
  TaskBus,
  TaskReports,
  UnwantedTask,
  Withdrawal,
} from '../../../controller/executions/ports/task-bus';
import { NamespaceTasks } from './namespace-tasks';

/** Runs work with the connection to the nats account of a namespace, which stays open at least that long. */
export type UseConnection = <T>(namespace: string, work: (connection: NatsConnection) => Promise<T>) => Promise<T>;

export interface TaskBusProps {
  readonly use: UseConnection;
  readonly replicas: number;
  readonly onWarning: (text: string) => void;
}

/** The tasks of all namespaces, each in the account of its namespace. */
export class JetStreamTaskBus implements TaskBus {
  private readonly opened = new WeakMap<NatsConnection, Map<string, Promise<NamespaceTasks>>>();
  private readonly listening = new Map<string, Promise<void>>();
  private readonly closing = new AbortController();

  constructor(private readonly props: TaskBusProps) {}

  listen(namespace: string, reports: TaskReports): Promise<void> {
    const known = this.listening.get(namespace);
    if (known !== undefined) return known;
    const begun = new Promise<void>((resolve, reject) => {
      const listen = (tasks: NamespaceTasks) => tasks.listen(reports, this.closing.signal, resolve);
      this.in(namespace, listen).catch((error) => {
        this.listening.delete(namespace);
        reject(error);
      });
    });
    this.listening.set(namespace, begun);
    return begun;
  }

  send(namespace: string, messages: readonly TaskMessage[]): Promise<readonly SentTask[]> {
    return this.in(namespace, (tasks) => tasks.send(messages));
  }

  withdraw(namespace: string, unwanted: readonly UnwantedTask[]): Promise<readonly Withdrawal[]> {
    return this.in(namespace, (tasks) => Promise.all(unwanted.map((task) => tasks.withdraw(task))));
  }

  workers(namespace: string): Promise<readonly WorkerEntry[]> {
    return this.in(namespace, (tasks) => tasks.workers());
  }

  async close(): Promise<void> {
    this.closing.abort();
  }

  private in<T>(namespace: string, work: (tasks: NamespaceTasks) => Promise<T>): Promise<T> {
    return this.props.use(namespace, async (connection) => work(await this.tasksOf(connection, namespace)));
  }

  private tasksOf(connection: NatsConnection, namespace: string): Promise<NamespaceTasks> {
    const known = this.opened.get(connection) ?? new Map<string, Promise<NamespaceTasks>>();
    this.opened.set(connection, known);
    const found = known.get(namespace);
    if (found !== undefined) return found;
    const { replicas, onWarning } = this.props;
    const opening = NamespaceTasks.open({ connection, namespace, replicas, onWarning });
    known.set(namespace, opening);
    opening.catch(() => known.delete(namespace));
    return opening;
  }
}
