import type { KV, NatsConnection } from 'nats';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { FlowRecord } from '../../../controller/flows/ports/flow-record';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { bucketConfig, ensureStream } from '../provision';
import { callServer, ignoreMissing, quickRequests, readServer } from '../retry-request';
import { StreamReader } from '../stream-reader';

const bucket = 'kflow_flows';

/**
 * Stores the records of flows in a KV bucket under `<namespace>.<jobId>`, and caches all of them in this process.
 *
 * I1. `all` returns at least what the bucket contained when it was called: newer entries are read into the cache first.
 * I2. One refresh of the cache runs at a time; a call during a refresh waits for the next one.
 */
export class FlowRecords {
  private readonly cache = new Map<string, FlowRecord>();
  private lastSequence = 0;
  private created = '';
  private running: Promise<void> = Promise.resolve();
  private next: Promise<void> | undefined;

  private constructor(
    private readonly values: KV,
    private readonly reader: StreamReader,
  ) {}

  static async open(connection: NatsConnection, replicas: number): Promise<FlowRecords> {
    const manager = await managerOf(connection);
    await ensureStream(manager, bucketConfig(bucket, replicas), { num_replicas: replicas });
    return FlowRecords.of(connection);
  }

  /** Flows that are not closed, by name. Creates nothing. */
  static async openFlows(connection: NatsConnection): Promise<readonly FlowKey[]> {
    const manager = await managerOf(connection);
    const found = await readServer(`bucket ${bucket}`, () => ignoreMissing(manager.streams.info(`KV_${bucket}`)));
    if (found === undefined) return [];
    const records = await (await FlowRecords.of(connection)).all();
    return records.filter(({ closed }) => closed === undefined);
  }

  private static async of(connection: NatsConnection): Promise<FlowRecords> {
    const values = await jetStreamOf(connection, quickRequests).views.kv(bucket, { bindOnly: true });
    return new FlowRecords(values, await StreamReader.of(connection, `KV_${bucket}`));
  }

  async get(flow: FlowKey): Promise<FlowRecord | undefined> {
    const entry = await readServer(`record ${keyOf(flow)}`, () => this.values.get(keyOf(flow)));
    return entry === null || entry.operation !== 'PUT' ? undefined : entry.json<FlowRecord>();
  }

  async save(record: FlowRecord): Promise<void> {
    const text = JSON.stringify(record);
    await callServer(`record ${keyOf(record)}`, () => this.values.put(keyOf(record), text));
  }

  /** Sorted by namespace and name. */
  async all(namespace?: string): Promise<readonly FlowRecord[]> {
    await this.refresh();
    const keys = [...this.cache.keys()].filter((key) => namespace === undefined || key.startsWith(`${namespace}.`));
    return keys.sort().flatMap((key) => this.cache.get(key) ?? []);
  }

  /** Throws StoreError when the first attempt fails. */
  async ping(): Promise<void> {
    await callServer(`bucket ${bucket}`, () => this.values.status(), 0);
  }

  private refresh(): Promise<void> {
    if (this.next !== undefined) return this.next;
    const refresh = this.running.then(() => {
      this.next = undefined; // I2
      return this.readNew();
    });
    this.next = refresh;
    this.running = refresh.catch(() => undefined);
    return refresh;
  }

  private async readNew(): Promise<void> {
    const { last, created } = await this.reader.extent();
    if (created !== this.created) this.clear(created);
    if (last <= this.lastSequence) return;
    const prefix = `$KV.${bucket}.`;
    for (const { subject, sequence, data } of await this.reader.from(`${prefix}>`, this.lastSequence + 1)) {
      const key = subject.slice(prefix.length);
      if (data.length === 0)
        this.cache.delete(key); // a deletion marker
      else this.cache.set(key, JSON.parse(Buffer.from(data).toString()) as FlowRecord);
      this.lastSequence = sequence;
    }
    this.lastSequence = Math.max(this.lastSequence, last);
  }

  /** The bucket was recreated. */
  private clear(created: string): void {
    this.created = created;
    this.lastSequence = 0;
    this.cache.clear();
  }
}

function keyOf({ namespace, jobId }: FlowKey): string {
  return `${namespace}.${jobId}`;
}
