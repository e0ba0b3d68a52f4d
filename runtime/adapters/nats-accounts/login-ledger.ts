import type { KV, NatsConnection } from 'nats';
import { type FlowKey, flowName } from '../../api-contract/flow-key';
import { jetStreamOf, managerOf } from '../jetstream/access/jetstream-api';
import { writeIfUnchanged } from '../jetstream/access/write-if-unchanged';
import { bucketConfig, ensureStream } from '../jetstream/provision';
import { callServer, quickRequests, readServer } from '../jetstream/retry-request';

const bucket = 'kflow_logins';
/** Of a namespace: they are in one value, and in the token of the account, which nats takes up to a mebibyte of. */
const maxRevocations = 4_096;

/** Users whose tokens are refused, with the second until which they were issued. */
export type Revocations = { readonly [user: string]: number };

/** Seconds since 1970. */
export interface IssuedLogin {
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** When the last of all logins expires that the flow was ever given: `nats.accounts.loginHours` may have been more before. */
  readonly lastExpiresAt: number;
}

/** Seconds since 1970. */
interface Revocation {
  readonly at: number;
  /** From then on, the login is refused without the revocation. */
  readonly expiresAt: number;
}

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

  async issued(flow: FlowKey): Promise<IssuedLogin | undefined> {
    const entry = await readServer(`login of ${flowName(flow)}`, () => this.values.get(issuedKey(flow)));
    return entry?.operation === 'PUT' ? entry.json<IssuedLogin>() : undefined;
  }

  async noteIssued(flow: FlowKey, login: IssuedLogin): Promise<void> {
    await callServer(`login of ${flowName(flow)}`, () => this.values.put(issuedKey(flow), JSON.stringify(login)));
  }

  async removeIssued(flow: FlowKey): Promise<void> {
    await callServer(`login of ${flowName(flow)}`, () => this.values.purge(issuedKey(flow)));
  }

  /** Flows whose login is due. */
  async issuedTo(isDue: (login: IssuedLogin) => boolean): Promise<readonly FlowKey[]> {
    return readServer('logins of flows', async () => {
      const flows: FlowKey[] = [];
      for await (const entry of await this.values.history({ key: 'issued.>' })) {
        const [, namespace = '', jobId = ''] = entry.key.split('.');
        if (entry.operation === 'PUT' && isDue(entry.json<IssuedLogin>())) flows.push({ namespace, jobId });
      }
      return flows;
    });
  }

  async revocations(namespace: string): Promise<{ readonly users: Revocations; readonly revision: number }> {
    const { all, revision } = await this.read(namespace);
    return { users: Object.fromEntries(Object.entries(all).map(([user, { at }]) => [user, at])), revision };
  }

  /**
   * Adds a revocation, and drops those of logins that have expired by `now`; of too many, those that expire first. Controllers
   * that write at the same time lose none.
   */
  async revoke(namespace: string, user: string, revocation: Revocation, now: number): Promise<void> {
    const target = `revocations of ${namespace}`;
    for (;;) {
      const { all, revision } = await this.read(namespace);
      const kept = Object.entries(all)
        .filter(([each, { expiresAt }]) => expiresAt >= now && each !== user)
        .sort(([, one], [, other]) => other.expiresAt - one.expiresAt)
        .slice(0, maxRevocations - 1);
      const expiresAt = Math.max(revocation.expiresAt, all[user]?.expiresAt ?? 0);
      const value = JSON.stringify({ ...Object.fromEntries(kept), [user]: { ...revocation, expiresAt } });
      const write = { key: `revoked.${namespace}`, value, revision };
      if (await callServer(target, () => writeIfUnchanged(this.values, write))) return;
    }
  }

  private async read(namespace: string) {
    const entry = await readServer(`revocations of ${namespace}`, () => this.values.get(`revoked.${namespace}`));
    const all = entry?.operation === 'PUT' ? entry.json<{ readonly [user: string]: Revocation }>() : {};
    return { all, revision: entry?.revision ?? 0 };
  }
}

function issuedKey({ namespace, jobId }: FlowKey): string {
  return `issued.${namespace}.${jobId}`;
}
