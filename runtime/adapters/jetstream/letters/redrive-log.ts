import type { JetStreamManager, KV, NatsConnection } from 'nats';
import { stateBucket } from '../../../../lib/plan/names';
import type { FlowKey } from '../../../api-contract/flow-key';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { readKey, readKeys } from '../read-run';
import { quickRequests, retryRequest } from '../retry-request';

/** What is noted of a redrive. */
export interface RedriveEntry {
  readonly id: string;
  readonly by: string;
  /** ISO time. */
  readonly at: string;
  readonly comment?: string;
  readonly rate?: number;
  /** Positions of its letters by function, as `1-40,52`. */
  readonly letters: { readonly [functionId: string]: string };
  /** The last position of a letter at the time of the request: letters of records that fail again have higher ones. */
  readonly head: number;
  readonly canceledAt?: string;
}

/** What is noted of a redrive in a flow's state bucket; undefined when it is not known any more. */
export async function readRedrive(
  manager: JetStreamManager,
  stateBucket: string,
  id: string,
): Promise<RedriveEntry | undefined> {
  const text = await retryRequest(() => readKey(manager, stateBucket, `redrive.${id}`));
  return text === undefined ? undefined : (JSON.parse(text) as RedriveEntry);
}

/** Entries that are kept. */
const maxEntries = 50;

/** The redrives of a flow, in its state bucket under `redrive.<id>`. Ids sort by time. */
export class RedriveLog {
  private constructor(
    private readonly manager: JetStreamManager,
    private readonly bucket: KV,
    private readonly name: string,
  ) {}

  static async of(connection: NatsConnection, flow: FlowKey): Promise<RedriveLog> {
    const name = stateBucket(flow);
    const bucket = await jetStreamOf(connection, quickRequests).views.kv(name, { bindOnly: true });
    return new RedriveLog(await managerOf(connection, quickRequests), bucket, name);
  }

  async save(entry: RedriveEntry): Promise<void> {
    await retryRequest(() => this.bucket.put(`redrive.${entry.id}`, JSON.stringify(entry)));
    for (const id of (await this.ids()).slice(maxEntries)) {
      const filter = `$KV.${this.name}.redrive.${id}`;
      await retryRequest(() => this.manager.streams.purge(`KV_${this.name}`, { filter }));
    }
  }

  find(id: string): Promise<RedriveEntry | undefined> {
    return readRedrive(this.manager, this.name, id);
  }

  /** The newest first. */
  async all(): Promise<readonly RedriveEntry[]> {
    const entries = await Promise.all((await this.ids()).map((id) => this.find(id)));
    return entries.flatMap((entry) => (entry === undefined ? [] : [entry]));
  }

  private async ids(): Promise<readonly string[]> {
    const keys = (await retryRequest(() => readKeys(this.manager, this.name, 'redrive.*'))) ?? [];
    return keys
      .map((key) => key.slice('redrive.'.length))
      .sort()
      .reverse();
  }
}
