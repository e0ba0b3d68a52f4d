import type { KV, NatsConnection } from 'nats';
import type { FlowKey } from '../../api-contract/flow-key';
import type { FlowRecord } from '../../controller/flows/ports/flow-record';
import { askServer, readServer } from './ask-server';
import { bucketConfig, ensureStream } from './provision';
import { quickRequests } from './retry-request';
import { StreamReader } from './stream-reader';

const bucket = 'kflow_flows';

/**
 * Records of flows in a KV bucket, `<namespace>.<jobId>`, with a copy of all of them in this process.
 *
 * I1. The copy is used only when it has all that the bucket had when it was asked for: what came since is read first.
 * I2. It is read by one at a time; who asks meanwhile waits for a reading that begins after that.
 */
export class FlowRecords {
  private readonly copy = new Map<string, FlowRecord>();
  private seen = 0;
  private created = '';
  private reading: Promise<void> = Promise.resolve();
  private following: Promise<void> | undefined;

  private constructor(
    private readonly values: KV,
    private readonly reader: StreamReader,
  ) {}

  static async open(connection: NatsConnection, replicas: number): Promise<FlowRecords> {
    const manager = await connection.jetstreamManager({ checkAPI: false });
    await ensureStream(manager, bucketConfig(bucket, replicas), { num_replicas: replicas });
    const values = await connection.jetstream(quickRequests).views.kv(bucket, { bindOnly: true });
    return new FlowRecords(values, await StreamReader.of(connection, `KV_${bucket}`));
  }

  async get(flow: FlowKey): Promise<FlowRecord | undefined> {
    const entry = await readServer(`record ${keyOf(flow)}`, () => this.values.get(keyOf(flow)));
    return entry === null || entry.operation !== 'PUT' ? undefined : entry.json<FlowRecord>();
  }

  async save(record: FlowRecord): Promise<void> {
    const text = JSON.stringify(record);
    await askServer(`record ${keyOf(record)}`, () => this.values.put(keyOf(record), text));
  }

  /** By namespace and name. */
  async all(namespace?: string): Promise<readonly FlowRecord[]> {
    await this.refresh();
    const keys = [...this.copy.keys()].filter((key) => namespace === undefined || key.startsWith(`${namespace}.`));
    return keys.sort().flatMap((key) => this.copy.get(key) ?? []);
  }

  /** Throws StoreError when the server does not answer at the first try. */
  async ping(): Promise<void> {
    await askServer(`bucket ${bucket}`, () => this.values.status(), 0);
  }

  private refresh(): Promise<void> {
    if (this.following !== undefined) return this.following;
    const reading = this.reading.then(() => {
      this.following = undefined; // I2
      return this.readNew();
    });
    this.following = reading;
    this.reading = reading.catch(() => undefined);
    return reading;
  }

  private async readNew(): Promise<void> {
    const { last, created } = await this.reader.extent();
    if (created !== this.created) this.forget(created);
    if (last <= this.seen) return;
    const prefix = `$KV.${bucket}.`;
    for (const { subject, sequence, data } of await this.reader.from(`${prefix}>`, this.seen + 1)) {
      const key = subject.slice(prefix.length);
      if (data.length === 0)
        this.copy.delete(key); // a marker of a deletion
      else this.copy.set(key, JSON.parse(Buffer.from(data).toString()) as FlowRecord);
      this.seen = sequence;
    }
    this.seen = Math.max(this.seen, last);
  }

  /** The bucket is another one than it was. */
  private forget(created: string): void {
    this.created = created;
    this.seen = 0;
    this.copy.clear();
  }
}

function keyOf({ namespace, jobId }: FlowKey): string {
  return `${namespace}.${jobId}`;
}
