import type { KV, NatsConnection } from 'nats';
import { recentWorkerBucket, workerBucket, workerKey } from '../../../../lib/plan/task-names';
import { type WorkerEntry, workerEntrySchema } from '../../../api-contract/task-message';
import type { WorkerDirectory } from '../../../worker/ports/task-links';
import { jetStreamOf } from '../access/jetstream-api';
import { StreamReader } from '../stream-reader';

/** The live workers of a namespace, of one task namespace or of all, newest entries first. */
export async function readWorkers(
  connection: NatsConnection,
  namespace: string,
  taskNamespace?: string,
): Promise<readonly WorkerEntry[]> {
  return readEntries(connection, workerBucket(namespace), taskNamespace);
}

/** The entries of workers in the buckets of their namespace; `worker` names this one. */
export class BucketWorkerDirectory implements WorkerDirectory {
  constructor(
    private readonly connection: NatsConnection,
    private readonly own: { readonly namespace: string; readonly taskNamespace: string; readonly worker: string },
  ) {}

  async announce(entry: WorkerEntry): Promise<void> {
    const { namespace } = this.own;
    for (const name of [workerBucket(namespace), recentWorkerBucket(namespace)]) {
      await (await openBucket(this.connection, name)).put(this.key, JSON.stringify(entry));
    }
  }

  async withdraw(): Promise<void> {
    await (await openBucket(this.connection, workerBucket(this.own.namespace))).delete(this.key);
  }

  async recent(): Promise<readonly WorkerEntry[]> {
    const { namespace, taskNamespace, worker } = this.own;
    const all = await readEntries(this.connection, recentWorkerBucket(namespace), taskNamespace);
    return all.filter((entry) => entry.worker !== worker);
  }

  private get key(): string {
    return workerKey(this.own.taskNamespace, this.own.worker);
  }
}

/** Not by `keys` of the bucket, which may end before the last key. */
async function readEntries(
  connection: NatsConnection,
  bucket: string,
  taskNamespace = '*',
): Promise<readonly WorkerEntry[]> {
  const reader = await StreamReader.of(connection, `KV_${bucket}`);
  const stored = await reader.from(`$KV.${bucket}.${workerKey(taskNamespace, '*')}`, 1);
  const entries = stored.flatMap(({ data }) => {
    const entry = data.length === 0 ? undefined : parseEntry(data); // a marker of a removed entry is empty
    return entry === undefined ? [] : [entry];
  });
  return entries.sort((one, other) => other.lastSeen.localeCompare(one.lastSeen));
}

function parseEntry(data: Uint8Array): WorkerEntry | undefined {
  try {
    return workerEntrySchema.safeParse(JSON.parse(Buffer.from(data).toString('utf8'))).data;
  } catch {
    return undefined; // somebody's own
  }
}

function openBucket(connection: NatsConnection, name: string): Promise<KV> {
  return jetStreamOf(connection).views.kv(name, { bindOnly: true });
}
