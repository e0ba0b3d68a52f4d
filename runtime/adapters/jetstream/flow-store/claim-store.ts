import type { KV, NatsConnection } from 'nats';
import { ConfigError } from '../../../../lib/errors';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { writeIfUnchanged } from '../access/write-if-unchanged';
import { bucketConfig, ensureStream } from '../provision';
import { callServer, ignoreMissing, quickRequests, readServer } from '../retry-request';

const bucket = 'kflow_installation';

export interface StoreClaim {
  readonly installation: string;
  /** Where the flows of the store run. */
  readonly temporal: { readonly namespace: string; readonly taskQueue: string };
  readonly replicas: number;
}

/**
 * Claims the store of this nats account for an installation and its task queue; every controller of an installation may do
 * so. Throws ConfigError `config-invalid` when another installation has claimed the store, because both would keep their
 * flows, documents and streams there, and when its flows run on another task queue, because they would be taken for lost.
 *
 * The task queue is claimed by a call of the function it resolves to, once the queue is known to be usable.
 */
export async function claimStore(
  connection: NatsConnection,
  { installation, temporal, replicas }: StoreClaim,
): Promise<() => Promise<void>> {
  const manager = await managerOf(connection);
  await ensureStream(manager, bucketConfig(bucket, replicas), { num_replicas: replicas });
  const values = await jetStreamOf(connection, quickRequests).views.kv(bucket, { bindOnly: true });
  assertInstallation(await claimed(values, 'id', installation), installation);
  assertQueue(await storedValue(values, 'queue'), temporal);
  return async () => assertQueue(await claimed(values, 'queue', describeQueue(temporal)), temporal);
}

/** Whether a controller has claimed the store. Claims nothing, and throws as `claimStore`. */
export async function inspectStoreClaim(
  connection: NatsConnection,
  { installation, temporal }: Omit<StoreClaim, 'replicas'>,
): Promise<boolean> {
  const manager = await managerOf(connection);
  if ((await ignoreMissing(manager.streams.info(`KV_${bucket}`))) === undefined) return false;
  const values = await jetStreamOf(connection, quickRequests).views.kv(bucket, { bindOnly: true });
  const id = await storedValue(values, 'id');
  assertInstallation(id, installation);
  assertQueue(await storedValue(values, 'queue'), temporal);
  return id !== undefined;
}

function assertInstallation(known: string | undefined, installation: string): void {
  if (known === undefined || known === installation) return;
  const what = 'this account of the nats server belongs to another installation of KFlow';
  const advice = `use another server or account (nats.url, nats.credentials), or the installation key of that installation if it is this one, with the same last line; if that one is gone with its flows: nats kv del ${bucket} --force`;
  throw new ConfigError('config-invalid', `${what}; ${advice}`, { where: bucket });
}

function assertQueue(known: string | undefined, temporal: StoreClaim['temporal']): void {
  const queue = describeQueue(temporal);
  if (known === undefined || known === queue) return;
  const what = `temporal.taskQueue: the flows of this nats account run on the ${known}, got the ${queue}`;
  const advice = `set it back, because flows cannot move (kflow install --task-queue); if there are none: nats kv del ${bucket} queue --force`;
  throw new ConfigError('config-invalid', `${what}; ${advice}`, { where: bucket });
}

async function storedValue(values: KV, key: string): Promise<string | undefined> {
  const entry = await readServer(`bucket ${bucket}`, () => values.get(key));
  return entry === null || entry.operation !== 'PUT' ? undefined : entry.string();
}

/** The value of a key, which is stored if there is none. */
async function claimed(values: KV, key: string, value: string): Promise<string | undefined> {
  const found = await storedValue(values, key);
  if (found !== undefined) return found;
  // if another controller was faster, its entry decides
  await callServer(`bucket ${bucket}`, () => writeIfUnchanged(values, { key, value, revision: 0 }));
  return storedValue(values, key);
}

function describeQueue({ namespace, taskQueue }: StoreClaim['temporal']): string {
  return `task queue "${taskQueue}" of the Temporal namespace "${namespace}"`;
}
