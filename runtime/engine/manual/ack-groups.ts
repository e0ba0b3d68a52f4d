import type { KFlowError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { type HeldRecord, type KeptOutput, RecordState } from '../held-records';
import { type OutputWriter, originOf } from '../output-writer';
import { acksHeader, renderAcks } from './ack-note';

export interface AckGroupPorts {
  readonly spec: FunctionSpec;
  readonly writer: OutputWriter;
  /** Every output of the record's group is stored, or one is not: then no record of the group may be acked. */
  readonly settled: (record: HeldRecord, error: KFlowError | undefined) => void;
  /** An output cannot be stored; `settled` follows for each record of the group. */
  readonly failed: () => void;
}

/**
 * The records of a function that requests acks itself, from their end to the request.
 *
 * G1. A record that has ended waits, with its outputs, until an ack is requested; those that wait at that moment, and the
 *     record that requests it, are a group. A record that fails requests nothing.
 * G2. The outputs of a group are sent together. The last one is sent when the others are stored, and names all records of the
 *     group: a redelivered record that it names has been acked, although its replica ended before the ack arrived.
 * G3. Records of a group are acked when its last output is stored, all of them or none.
 */
export class AckGroups {
  /** Records that wait, each with the running record that has requested its ack. */
  private readonly waiting = new Map<HeldRecord, HeldRecord | undefined>();
  private readonly requesters = new Set<HeldRecord>();
  private keptBytes = 0;
  /** Payload bytes of the records that wait. */
  payloadBytes = 0;

  constructor(private readonly ports: AckGroupPorts) {}

  get size(): number {
    return this.waiting.size;
  }

  /** Bytes of the payloads and outputs that wait. */
  get bytes(): number {
    return this.payloadBytes + this.keptBytes;
  }

  /** Keeps an output of a record that runs or, for the last call, that waits. */
  keep(record: HeldRecord, kept: KeptOutput): void {
    record.kept.push({ ...kept, payload: Buffer.from(kept.payload) }); // the frame is larger than the payload
    if (this.waiting.has(record)) this.keptBytes += kept.payload.length;
  }

  /** The function requests the acks of those that wait and, when it has succeeded, of this record. */
  request(requester: HeldRecord | undefined): void {
    if (requester === undefined) {
      this.commit(this.take(({ 1: by }) => by === undefined));
      return;
    }
    this.requesters.add(requester);
    for (const [record, by] of this.waiting) if (by === undefined) this.waiting.set(record, requester);
  }

  /** The record has succeeded. */
  ended(record: HeldRecord): void {
    record.advance(RecordState.Waiting);
    if (this.requesters.delete(record)) {
      this.commit([...this.take(({ 1: by }) => by === record), record]);
      return;
    }
    this.waiting.set(record, undefined);
    this.payloadBytes += record.bytes;
    this.keptBytes += keptBytesOf(record);
  }

  /** The record that has waited for the shortest time. */
  get latest(): HeldRecord | undefined {
    return [...this.waiting.keys()].at(-1);
  }

  /** The records that wait do not wait any more: their host is gone, or they are given back. In their order. */
  takeAll(): readonly HeldRecord[] {
    this.requesters.clear();
    return this.take(() => true);
  }

  private take(isTaken: (entry: [HeldRecord, HeldRecord | undefined]) => boolean): readonly HeldRecord[] {
    const taken = [...this.waiting].filter(isTaken).map(([record]) => record);
    for (const record of taken) {
      this.waiting.delete(record);
      this.payloadBytes -= record.bytes;
      this.keptBytes -= keptBytesOf(record);
    }
    return taken;
  }

  private commit(group: readonly HeldRecord[]): void {
    for (const record of group) {
      record.advance(RecordState.Publishing);
      record.unsettledOutputs++; // until the end of the group
    }
    const isNew = (record: HeldRecord) => (kept: KeptOutput) => record.published?.has(kept.index) !== true;
    const outputs = group.flatMap((record) => record.kept.filter(isNew(record)).map((kept) => ({ record, ...kept })));
    for (const record of group) record.kept = [];
    const last = outputs.pop();
    let left = outputs.length;
    let failure: KFlowError | undefined;
    const end = (error: KFlowError | undefined) => {
      if (error !== undefined) this.ports.failed();
      for (const record of group) this.ports.settled(record, error);
    };
    const endOthers = () => {
      if (failure !== undefined || last === undefined) end(failure);
      else this.write(last, end, group);
    };
    if (left === 0) endOthers();
    for (const output of outputs) {
      this.write(output, (error) => {
        failure ??= error;
        if (--left === 0) endOthers();
      });
    }
  }

  /** Writes an output; the last one of a group with the names of its records. */
  private write(
    { record, output, index, payload }: KeptOutput & { readonly record: HeldRecord },
    settle: (error?: KFlowError) => void,
    group: readonly HeldRecord[] = [],
  ): void {
    const note = group.length === 0 ? undefined : renderAcks(group.map(({ delivery }) => delivery));
    const headers = note === undefined ? undefined : { [acksHeader]: note };
    this.ports.writer.write(output, `${originOf(this.ports.spec, record.delivery)}:${index}`, payload, settle, headers);
  }
}

function keptBytesOf({ kept }: HeldRecord): number {
  return kept.reduce((bytes, { payload }) => bytes + payload.length, 0);
}
