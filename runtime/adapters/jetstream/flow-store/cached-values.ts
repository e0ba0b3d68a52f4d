import type { KV, NatsConnection } from 'nats';
import { changeValue, type ValueChange } from '../access/change-value';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { writeIfUnchanged } from '../access/write-if-unchanged';
import { bucketConfig, ensureStream } from '../provision';
import { callServer, quickRequests, readServer } from '../retry-request';
import { StreamReader } from '../stream-reader';

/**
 * JSON values of a KV bucket by key, all of them cached in this process.
 *
 * I1. `all` returns at least what the bucket contained when it was called: newer entries are read into the cache first.
 * I2. One refresh of the cache runs at a time; a call during a refresh waits for the next one.
 */
export class CachedValues<Value> {
  private readonly cache = new Map<string, Value>();
  private lastSequence = 0;
  private created = '';
  private running: Promise<void> = Promise.resolve();
  private next: Promise<void> | undefined;

  private constructor(
    private readonly bucket: string,
    private readonly values: KV,
    private readonly reader: StreamReader,
  ) {}

  /** Creates the bucket if it does not exist. */
  static async open<Value>(connection: NatsConnection, bucket: string, replicas: number): Promise<CachedValues<Value>> {
    const manager = await managerOf(connection);
    await ensureStream(manager, bucketConfig(bucket, replicas), { num_replicas: replicas });
    return CachedValues.of(connection, bucket);
  }

  /** Of a bucket that exists. */
  static async of<Value>(connection: NatsConnection, bucket: string): Promise<CachedValues<Value>> {
    const values = await jetStreamOf(connection, quickRequests).views.kv(bucket, { bindOnly: true });
    return new CachedValues<Value>(bucket, values, await StreamReader.of(connection, `KV_${bucket}`));
  }

  async get(key: string): Promise<Value | undefined> {
    const entry = await readServer(`record ${key}`, () => this.values.get(key));
    return entry === null || entry.operation !== 'PUT' ? undefined : entry.json<Value>();
  }

  async put(key: string, value: Value): Promise<void> {
    const text = JSON.stringify(value);
    await callServer(`record ${key}`, () => this.values.put(key, text));
  }

  /** False when the key has a value. */
  async add(key: string, value: Value): Promise<boolean> {
    const text = JSON.stringify(value);
    const write = { key, value: text, revision: 0 };
    const revision = await callServer(`record ${key}`, () => writeIfUnchanged(this.values, write));
    return revision !== undefined;
  }

  /** As `changeValue` does. */
  async change<Result>(key: string, change: ValueChange<Value, Result>): Promise<Result> {
    return callServer(`record ${key}`, () => changeValue(this.values, key, change));
  }

  async remove(key: string): Promise<void> {
    await callServer(`record ${key}`, () => this.values.purge(key));
  }

  /** Those whose key begins so, sorted by key. */
  async all(prefix = ''): Promise<readonly Value[]> {
    await this.refresh();
    const keys = [...this.cache.keys()].filter((key) => key.startsWith(prefix));
    return keys.sort().flatMap((key) => this.cache.get(key) ?? []);
  }

  /** Throws StoreError when the first attempt fails. */
  async ping(): Promise<void> {
    await callServer(`bucket ${this.bucket}`, () => this.values.status(), 0);
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
    const prefix = `$KV.${this.bucket}.`;
    for (const { subject, sequence, data } of await this.reader.from(`${prefix}>`, this.lastSequence + 1)) {
      const key = subject.slice(prefix.length);
      if (data.length === 0)
        this.cache.delete(key); // a deletion marker
      else this.cache.set(key, JSON.parse(Buffer.from(data).toString()) as Value);
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
