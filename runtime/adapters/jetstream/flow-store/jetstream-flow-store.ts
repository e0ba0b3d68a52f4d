import type { NatsConnection } from 'nats';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { FlowRecord } from '../../../controller/flows/ports/flow-record';
import type { FlowEvent, FlowStore } from '../../../controller/flows/ports/flow-store';
import type { InstallationKey } from '../../../installation/installation-key';
import { FlowDocuments } from './flow-documents';
import { FlowEvents } from './flow-events';
import { FlowRecords } from './flow-records';

/** Stores documents, records and events of flows on a JetStream server: in an object store, a KV bucket and a stream. */
export class JetStreamFlowStore implements FlowStore {
  private constructor(
    private readonly documents: FlowDocuments,
    private readonly flows: FlowRecords,
    private readonly log: FlowEvents,
  ) {}

  /**
   * Creates what does not exist, with `replicas` copies in a server cluster. Documents are sealed with `key`. Throws
   * StoreError `stream-failed`.
   */
  static async open(
    connection: NatsConnection,
    { replicas, key }: { readonly replicas: number; readonly key: InstallationKey },
  ): Promise<JetStreamFlowStore> {
    return new JetStreamFlowStore(
      ...(await Promise.all([
        FlowDocuments.open({ connection, replicas, key }),
        FlowRecords.open(connection, replicas),
        FlowEvents.open(connection, replicas),
      ])),
    );
  }

  putDocument(flow: FlowKey, text: string): Promise<string> {
    return this.documents.put(flow, text);
  }

  document(flow: FlowKey, digest: string): Promise<string> {
    return this.documents.get(flow, digest);
  }

  removeDocuments(flow: FlowKey, digests?: readonly string[]): Promise<void> {
    return this.documents.remove(flow, digests);
  }

  /** Seals the documents again that the newest key did not seal, and returns their number. */
  resealDocuments(): Promise<number> {
    return this.documents.reseal();
  }

  record(flow: FlowKey): Promise<FlowRecord | undefined> {
    return this.flows.get(flow);
  }

  saveRecord(record: FlowRecord): Promise<void> {
    return this.flows.save(record);
  }

  records(namespace?: string): Promise<readonly FlowRecord[]> {
    return this.flows.all(namespace);
  }

  addEvent(event: FlowEvent): Promise<void> {
    return this.log.add(event);
  }

  events(
    of: Partial<FlowKey>,
    options: { readonly limit?: number; readonly kind?: FlowEvent['kind'] } = {},
  ): Promise<readonly FlowEvent[]> {
    return this.log.last(of, options);
  }

  followEvents(of: Partial<FlowKey>, signal: AbortSignal): Promise<AsyncIterable<FlowEvent>> {
    return this.log.follow(of, signal);
  }

  ping(): Promise<void> {
    return this.flows.ping();
  }
}
