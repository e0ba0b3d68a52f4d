import { isAvroMessage, writerOf } from '../../engine/avro-message';
import type { Failure, HostRecord, SchemaSource } from '../../engine/ports/host';
import { jsonFrame, recordsFrame, ToPython } from '../framing/frames';

export interface RecordQueueOptions {
  readonly schemas: SchemaSource;
  send(pieces: readonly Uint8Array[]): void;
  /** A record that cannot be handed over. */
  failed(id: number, failure: Failure): void;
}

const maxBatchRecords = 256;
const maxBatchBytes = 4 * 1024 * 1024;
const maxBatchesInFlight = 4;

/**
 * Hands records to Python in batches.
 * I1. Records leave in the order they came.
 * I2. At most four batches are in flight; a batch lands with the outcome of its last record.
 * I3. A writer's schema is sent before the first record that needs it; the records behind wait meanwhile.
 */
export class RecordQueue {
  private queue: HostRecord[] = [];
  private readonly inFlight = new Map<number, { left: number }>();
  private batchesInFlight = 0;
  private readonly knownWriters = new Set<string>();
  private isLearning = false;

  constructor(private readonly options: RecordQueueOptions) {}

  add(records: readonly HostRecord[]): void {
    for (const record of records) this.queue.push(record);
    this.sendBatches();
  }

  /** Takes out what has not been sent. */
  takeQueued(): readonly HostRecord[] {
    return this.queue.splice(0);
  }

  /** A record that was sent has its outcome. */
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
    while (!this.isLearning && this.queue.length > 0 && this.batchesInFlight < maxBatchesInFlight) {
      const records = this.takeBatch();
      if (records.length === 0) continue;
      const batch = { left: records.length };
      for (const { id } of records) this.inFlight.set(id, batch);
      this.batchesInFlight++;
      this.options.send(recordsFrame(records));
    }
  }

  /** The records from the head of the queue that go into one frame; none when their schema has to be asked for first. */
  private takeBatch(): HostRecord[] {
    const batch: HostRecord[] = [];
    let bytes = 0;
    let taken = 0;
    for (const record of this.queue) {
      if (batch.length === maxBatchRecords || (batch.length > 0 && bytes + record.payload.length > maxBatchBytes))
        break;
      const writer = this.writerOf(record);
      if (writer !== undefined && !this.knownWriters.has(writer)) {
        if (batch.length === 0) void this.learn(writer);
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

  /** Undefined when the payload is no Avro message; the record has then failed. */
  private writerOf(record: HostRecord): string | undefined {
    try {
      return writerOf(record.payload);
    } catch (error) {
      this.options.failed(record.id, failureOf(error));
      return undefined;
    }
  }

  private async learn(writer: string): Promise<void> {
    this.isLearning = true;
    try {
      const schema = await this.options.schemas.schemaOf(writer);
      this.options.send([jsonFrame(ToPython.Schema, { fingerprint: writer, schema })]);
      this.knownWriters.add(writer);
    } catch (error) {
      this.refuse(writer, failureOf(error));
    }
    this.isLearning = false;
    this.sendBatches();
  }

  /** Fails what waits for a schema that could not be had; later records ask anew. */
  private refuse(writer: string, failure: Failure): void {
    const waiting = this.queue;
    const isRefused = (record: HostRecord) => isAvroMessage(record.payload) && writerOf(record.payload) === writer;
    this.queue = waiting.filter((record) => !isRefused(record));
    for (const record of waiting.filter(isRefused)) this.options.failed(record.id, failure);
  }
}

function failureOf(error: unknown): Failure {
  return error instanceof Error
    ? { type: error.name, message: error.message }
    : { type: 'Error', message: String(error) };
}
