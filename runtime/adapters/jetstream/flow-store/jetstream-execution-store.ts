import type { ExecutionKey } from '../../../api-contract/execution-key';
import type { ExecutionView } from '../../../api-contract/execution-status';
import type { ExecutionStore, ListedExecution } from '../../../controller/executions/ports/execution-store';
import type { ExecutionSnapshot } from '../../../controller/executions/ports/execution-workflow';
import { ServerReach } from '../access/server-reach';
import { CachedValues } from './cached-values';
import { type SealedBucket, SealedObjects, type SealedObjectsProps } from './sealed-objects';

const list = 'kflow_executions';
const snapshots: SealedBucket = { bucket: 'kflow_execution_records', noun: 'execution' };

/**
 * Lists executions in a KV bucket under `<namespace>.<execution>`, and stores their snapshots sealed in an object store. While
 * nats is away, changes wait for it, and reads fail at once.
 */
export class JetStreamExecutionStore implements ExecutionStore {
  private constructor(
    private readonly listed: CachedValues<ListedExecution>,
    private readonly objects: SealedObjects,
    private readonly reach: ServerReach,
  ) {}

  /** Creates what does not exist, with `replicas` copies in a server cluster. Throws StoreError `stream-failed`. */
  static async open(props: SealedObjectsProps): Promise<JetStreamExecutionStore> {
    const [listed, objects] = await Promise.all([
      CachedValues.open<ListedExecution>(props.connection, list, props.replicas),
      SealedObjects.open(props, snapshots),
    ]);
    return new JetStreamExecutionStore(listed, objects, new ServerReach(props.connection));
  }

  async add(entry: ListedExecution): Promise<ListedExecution | undefined> {
    const key = keyOf(entry.view);
    while (!(await this.listed.add(key, entry))) {
      const found = await this.listed.get(key);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async update(view: ExecutionView, incarnation: string): Promise<void> {
    await this.listed.put(keyOf(view), { view, incarnation });
  }

  exchange(seen: ListedExecution, next: ListedExecution | undefined): Promise<boolean> {
    return this.listed.change(keyOf(seen.view), (stored) => {
      const isSeen = stored !== undefined && isSame(stored, seen);
      return { next: isSeen ? next : stored, result: isSeen };
    });
  }

  async find(key: ExecutionKey): Promise<ListedExecution | undefined> {
    const found = await this.reach.read(`execution ${nameOf(key)}`, () => this.listed.get(keyOf(key)));
    return found?.deletingMs === undefined ? found : undefined;
  }

  async list(namespace?: string): Promise<readonly ExecutionView[]> {
    const prefix = namespace === undefined ? '' : `${namespace}.`;
    const all = await this.reach.read('executions', () => this.listed.all(prefix));
    const views = all.filter(({ deletingMs }) => deletingMs === undefined).map(({ view }) => view);
    return views.sort(
      (one, other) => compare(other.startedAt, one.startedAt) || compare(other.execution, one.execution),
    );
  }

  saveSnapshot(snapshot: ExecutionSnapshot): Promise<void> {
    return this.objects.put(nameOf(snapshot.definition), JSON.stringify(snapshot));
  }

  async snapshot(key: ExecutionKey): Promise<ExecutionSnapshot | undefined> {
    const name = nameOf(key);
    const text = await this.reach.read(`execution ${name}`, () => this.objects.get(name));
    return text === undefined ? undefined : (JSON.parse(text) as ExecutionSnapshot);
  }

  async removeSnapshot(key: ExecutionKey): Promise<void> {
    await this.objects.remove([nameOf(key)]);
  }

  /** Seals every snapshot again that an older key sealed, and returns their number. */
  reseal(): Promise<number> {
    return this.objects.reseal();
  }
}

function isSame(one: ListedExecution, other: ListedExecution): boolean {
  return (
    one.incarnation === other.incarnation &&
    one.deletingMs === other.deletingMs &&
    one.view.run === other.view.run &&
    one.view.status === other.view.status
  );
}

/** Keys of buckets have no colons. */
function keyOf({ namespace, execution }: ExecutionKey): string {
  return `${namespace}.${execution.replaceAll(':', '=')}`;
}

function nameOf({ namespace, execution }: ExecutionKey): string {
  return `${namespace}/${execution}`;
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
