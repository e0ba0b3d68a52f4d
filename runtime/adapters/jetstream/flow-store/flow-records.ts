import type { NatsConnection } from 'nats';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { FlowRecord } from '../../../controller/flows/ports/flow-record';
import { managerOf } from '../access/jetstream-api';
import { ignoreMissing, readServer } from '../retry-request';
import { CachedValues } from './cached-values';

const bucket = 'kflow_flows';

/** Stores the records of flows in a KV bucket under `<namespace>.<jobId>`. */
export class FlowRecords {
  private constructor(private readonly values: CachedValues<FlowRecord>) {}

  static async open(connection: NatsConnection, replicas: number): Promise<FlowRecords> {
    return new FlowRecords(await CachedValues.open(connection, bucket, replicas));
  }

  /** Flows that are not closed, by name. Creates nothing. */
  static async openFlows(connection: NatsConnection): Promise<readonly FlowKey[]> {
    const manager = await managerOf(connection);
    const found = await readServer(`bucket ${bucket}`, () => ignoreMissing(manager.streams.info(`KV_${bucket}`)));
    if (found === undefined) return [];
    const records = await (await CachedValues.of<FlowRecord>(connection, bucket)).all();
    return records.filter(({ closed }) => closed === undefined);
  }

  get(flow: FlowKey): Promise<FlowRecord | undefined> {
    return this.values.get(keyOf(flow));
  }

  save(record: FlowRecord): Promise<void> {
    return this.values.put(keyOf(record), record);
  }

  /** Sorted by namespace and name. */
  all(namespace?: string): Promise<readonly FlowRecord[]> {
    return this.values.all(namespace === undefined ? '' : `${namespace}.`);
  }

  /** Throws StoreError when the first attempt fails. */
  ping(): Promise<void> {
    return this.values.ping();
  }
}

function keyOf({ namespace, jobId }: FlowKey): string {
  return `${namespace}.${jobId}`;
}
