import type { NatsAccess } from '../../../../lib/plan/nats-access';
import type { WorkerEntry } from '../../../api-contract/task-message';
import { connectNats, openOver } from '../access/connect-nats';
import { managerOf } from '../access/jetstream-api';
import { ensureTaskStreams, taskNamespacesIn } from './ensure-task-streams';
import { readWorkers } from './worker-directory';

/** The task namespaces of a namespace, which tasks were sent to or workers were started for. */
export interface TaskNamespaces {
  names(): Promise<readonly string[]>;
  /** The live workers of all of them. */
  workers(): Promise<readonly WorkerEntry[]>;
  close(): Promise<void>;
}

/** How long the first connection is tried. */
const connectMs = 10_000;

/** Connects to nats. `warn` gets what keeps the connection from coming back. Throws as `connectNats` does. */
export async function openTaskNamespaces(
  access: NatsAccess,
  namespace: string,
  warn: (text: string) => void,
): Promise<TaskNamespaces> {
  const connection = await connectNats(access, 'kflow task namespaces', { trouble: warn }, connectMs);
  const manager = await openOver(connection, async () => {
    const opened = await managerOf(connection);
    await ensureTaskStreams(opened, namespace);
    return opened;
  });
  return {
    names: () => taskNamespacesIn(manager, namespace),
    workers: () => readWorkers(connection, namespace),
    close: () => connection.close(),
  };
}
