import type { KV, NatsConnection } from 'nats';
import { workerBucket, workerKey } from '../../../../lib/plan/task-names';
import { type WorkerEntry, workerEntrySchema } from '../../../api-contract/task-message';
import type { WorkerDirectory } from '../../../worker/ports/task-links';
import { jetStreamOf } from '../access/jetstream-api';

/** The live workers of a namespace, of one task namespace or of all, newest entries first. */
export async function readWorkers(
  connection: NatsConnection,
  namespace: string,
  taskNamespace?: string,
): Promise<readonly WorkerEntry[]> {
  const bucket = await openBucket(connection, namespace);
  const entries: WorkerEntry[] = [];
  for await (const key of await bucket.keys(workerKey(taskNamespace ?? '*', '*'))) {
    const entry = await bucket.get(key);
    if (entry?.operation !== 'PUT') continue;
    const { data } = workerEntrySchema.safeParse(entry.json());
    if (data !== undefined) entries.push(data);
  }
  return entries.sort((one, other) => other.lastSeen.localeCompare(one.lastSeen));
}

/** The entries of workers in the bucket of their namespace; `worker` names this one. */
export class BucketWorkerDirectory implements WorkerDirectory {
  constructor(
    private readonly connection: NatsConnection,
    private readonly own: { readonly namespace: string; readonly taskNamespace: string; readonly worker: string },
  ) {}

  async announce(entry: WorkerEntry): Promise<void> {
    const bucket = await openBucket(this.connection, this.own.namespace);
    await bucket.put(this.key, JSON.stringify(entry));
  }

  async withdraw(): Promise<void> {
    const bucket = await openBucket(this.connection, this.own.namespace);
    await bucket.delete(this.key);
  }

  async others(): Promise<readonly WorkerEntry[]> {
    const { namespace, taskNamespace, worker } = this.own;
    const all = await readWorkers(this.connection, namespace, taskNamespace);
    return all.filter((entry) => entry.worker !== worker);
  }

  private get key(): string {
    return workerKey(this.own.taskNamespace, this.own.worker);
  }
}

function openBucket(connection: NatsConnection, namespace: string): Promise<KV> {
  return jetStreamOf(connection).views.kv(workerBucket(namespace), { bindOnly: true });
}
