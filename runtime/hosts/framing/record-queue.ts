import { isAvroMessage, writerOf } from '../../engine/avro-message';
import { failureOf } from '../../engine/failures';
import type { Failure, HostRecord, SchemaSource } from '../../engine/ports/host';
import { jsonFrame, ProtocolError, recordsFrame, ToProcess } from './frames';

export interface RecordQueueOptions {
  readonly schemas: SchemaSource;
  send(pieces: readonly Uint8Array[]): void;
  /** The record cannot be sent. */
  failed(id: number, failure: Failure): void;
}

const maxBatchRecords = 256;
const maxBatchBytes = 4 * 1024 * 1024;
const maxBatchesInFlight = 4;

/**
 * Sends records to a process of user code in batches.
 * I1. Records leave in the order in which they arrived.
 * I2. At most four batches are in flight; a batch lands with the outcome of its last record.
 * I3. A writer's schema is sent before the first record that needs it; the records behind that record wait.
 */
export class RecordQueue {
  private queue: HostRecord[] = [];
  private readonly inFlight = new Map<number, { left: number }>();
  private batchesInFlight = 0;
  private readonly knownWriters = new Set<string>();
  private isFetchingSchema = false;

  constructor(private readonly options: RecordQueueOptions) {}

  add(records: readonly HostRecord[]): void {
    for (const record of records) this.queue.push(record);
    this.sendBatches();
  }

  /** Removes the records that have not been sent, and returns them. */
  takeQueued(): readonly HostRecord[] {
    return this.queue.splice(0);
  }

  /** Throws ProtocolError unless the record was sent and has no outcome. */
  assertSent(id: number): void {
    if (!this.inFlight.has(id)) throw new ProtocolError(`an outcome of the record ${id}, which it does not have`);
  }

  /** Counts the outcome of a record that was sent. */
  land(id: number): void {
    const batch = this.inFlight.get(id);
    if (batch === undefined) return;
    this.inFlight.delete(id);
    batch.left--;
    if (batch.left > 0) return;
    this.batchesInFlight--;
    this.sendBatches();
  }

  private sendBatches(): void {
    while (!this.isFetchingSchema && this.queue.length > 0 && this.batchesInFlight < maxBatchesInFlight) {
      const records = this.takeBatch();
      if (records.length === 0) continue;
      const batch = { left: records.length };
      for (const { id } of records) this.inFlight.set(id, batch);
      this.batchesInFlight++;
      this.options.send(recordsFrame(records));
    }
  }

  /** The records of the next frame, from the head of the queue; none while the schema of the first is fetched. */
  private takeBatch(): HostRecord[] {
    const batch: HostRecord[] = [];
    let bytes = 0;
    let taken = 0;
    for (const record of this.queue) {
      if (batch.length === maxBatchRecords || (batch.length > 0 && bytes + record.payload.length > maxBatchBytes))
        break;
      const writer = this.writerOf(record);
      if (writer !== undefined && !this.knownWriters.has(writer)) {
        if (batch.length === 0) void this.fetchSchema(writer);
        break;
      }
      taken++;
      if (writer === undefined) continue;
      batch.push(record);
      bytes += record.payload.length;
    }
    this.queue.splice(0, taken);
    return batch;
  }

  /** Undefined when the payload is not an Avro message: the record has failed. */
  private writerOf(record: HostRecord): string | undefined {
    try {
      return writerOf(record.payload);
    } catch (error) {
      this.options.failed(record.id, failureOf(error));
      return undefined;
    }
  }

  private async fetchSchema(writer: string): Promise<void> {
    this.isFetchingSchema = true;
    try {
      const schema = await this.options.schemas.schemaOf(writer);
      this.options.send([jsonFrame(ToProcess.Schema, { fingerprint: writer, schema })]);
      this.knownWriters.add(writer);
    } catch (error) {
      this.failAllOf(writer, failureOf(error));
    }
    this.isFetchingSchema = false;
    this.sendBatches();
  }

  /** Fails the queued records of a writer whose schema could not be fetched; later records fetch it again. */
  private failAllOf(writer: string, failure: Failure): void {
    const queued = this.queue;
    const isOfWriter = (record: HostRecord) => isAvroMessage(record.payload) && writerOf(record.payload) === writer;
    this.queue = queued.filter((record) => !isOfWriter(record));
    for (const record of queued.filter(isOfWriter)) this.options.failed(record.id, failure);
  }
}
