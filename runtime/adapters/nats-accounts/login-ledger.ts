import { type KV, type NatsConnection, NatsError } from 'nats';
import { type FlowKey, flowName } from '../../api-contract/flow-key';
import { jetStreamOf, managerOf } from '../jetstream/access/jetstream-api';
import { bucketConfig, ensureStream } from '../jetstream/provision';
import { callServer, quickRequests, readServer } from '../jetstream/retry-request';

const bucket = 'kflow_logins';
/** JetStream's error code of a write that expected another last one. */
const wrongSequence = 10_071;

/** Users whose tokens are refused, with the second until which they were issued. */
export type Revocations = { readonly [user: string]: number };

/**
 * When the login of each flow was issued, and which ones are revoked: a KV bucket in the controller's account, with
 * `issued.<namespace>.<jobId>` and `revoked.<namespace>`. It holds no secret.
 */
export class LoginLedger {
  private constructor(private readonly values: KV) {}

  static async open(connection: NatsConnection, replicas: number): Promise<LoginLedger> {
    const manager = await managerOf(connection);
    await ensureStream(manager, bucketConfig(bucket, replicas), { num_replicas: replicas });
    return new LoginLedger(await jetStreamOf(connection, quickRequests).views.kv(bucket, { bindOnly: true }));
  }

  /** In seconds since 1970. */
  async issuedAt(flow: FlowKey): Promise<number | undefined> {
    const entry = await readServer(`login of ${flowName(flow)}`, () => this.values.get(issuedKey(flow)));
    return entry?.operation === 'PUT' ? Number(entry.string()) : undefined;
  }

  async noteIssued(flow: FlowKey, issuedAt: number): Promise<void> {
    await callServer(`login of ${flowName(flow)}`, () => this.values.put(issuedKey(flow), String(issuedAt)));
  }

  async removeIssued(flow: FlowKey): Promise<void> {
    await callServer(`login of ${flowName(flow)}`, () => this.values.purge(issuedKey(flow)));
  }

  /** Flows whose login was issued before this second. */
  async issuedBefore(second: number): Promise<readonly FlowKey[]> {
    return readServer('logins of flows', async () => {
      const flows: FlowKey[] = [];
      for await (const entry of await this.values.history({ key: 'issued.>' })) {
        const [, namespace = '', jobId = ''] = entry.key.split('.');
        if (entry.operation === 'PUT' && Number(entry.string()) < second) flows.push({ namespace, jobId });
      }
      return flows;
    });
  }

  async revocations(namespace: string): Promise<{ readonly users: Revocations; readonly revision: number }> {
    const entry = await readServer(`revocations of ${namespace}`, () => this.values.get(`revoked.${namespace}`));
    if (entry === null) return { users: {}, revision: 0 };
    return { users: entry.operation === 'PUT' ? entry.json<Revocations>() : {}, revision: entry.revision };
  }

  /** Adds a revocation, and drops those before `since`. Controllers that write at the same time lose none of them. */
  async revoke(
    namespace: string,
    user: string,
    { at, since }: { readonly at: number; readonly since: number },
  ): Promise<void> {
    const target = `revocations of ${namespace}`;
    for (;;) {
      const { users, revision } = await this.revocations(namespace);
      const kept = Object.entries(users).filter(([, until]) => until >= since);
      const text = JSON.stringify({ ...Object.fromEntries(kept), [user]: at });
      const isStored = await callServer(target, () => this.replaced(`revoked.${namespace}`, text, revision));
      if (isStored) return;
    }
  }

  private async replaced(key: string, text: string, revision: number): Promise<boolean> {
    try {
      if (revision === 0) await this.values.create(key, text);
      else await this.values.update(key, text, revision);
      return true;
    } catch (error) {
      if (error instanceof NatsError && error.api_error?.err_code === wrongSequence) return false;
      throw error;
    }
  }
}

function issuedKey({ namespace, jobId }: FlowKey): string {
  return `issued.${namespace}.${jobId}`;
}
