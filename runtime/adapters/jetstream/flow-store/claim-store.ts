import type { NatsConnection } from 'nats';
import { ConfigError } from '../../../../lib/errors';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { writeIfUnchanged } from '../access/write-if-unchanged';
import { bucketConfig, ensureStream } from '../provision';
import { callServer, quickRequests, readServer } from '../retry-request';

const bucket = 'kflow_installation';
const key = 'id';

/**
 * Claims the store of this nats account for an installation; every controller of an installation may do so. Throws ConfigError
 * `config-invalid` when another installation has claimed it: both would keep their flows, documents and streams there.
 */
export async function claimStore(
  connection: NatsConnection,
  { installation, replicas }: { readonly installation: string; readonly replicas: number },
): Promise<void> {
  const manager = await managerOf(connection);
  await ensureStream(manager, bucketConfig(bucket, replicas), { num_replicas: replicas });
  const values = await jetStreamOf(connection, quickRequests).views.kv(bucket, { bindOnly: true });
  const read = async () => {
    const entry = await readServer(`bucket ${bucket}`, () => values.get(key));
    return entry === null || entry.operation !== 'PUT' ? undefined : entry.string();
  };
  if ((await read()) === undefined) {
    // if another controller was faster, its entry decides
    await callServer(`bucket ${bucket}`, () => writeIfUnchanged(values, { key, value: installation, revision: 0 }));
  }
  const owner = await read();
  if (owner === installation) return;
  const what = 'this account of the nats server belongs to another installation of KFlow';
  const advice = `use another server or account (nats.url, nats.credentials), or the installation key of that installation if it is this one; if that one is gone with its flows: nats kv del ${bucket} --force`;
  throw new ConfigError('config-invalid', `${what}; ${advice}`, { where: bucket });
}
