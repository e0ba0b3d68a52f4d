import type { Download } from '../../../engine/ports/host';

/** A record to process; `payload` is a view of its frame. */
export interface ReceivedRecord {
  readonly id: number;
  readonly payload: Buffer;
  readonly download: Download | undefined;
  /** Empty without a trace. */
  readonly traceParent: string;
}

/** The records of a records frame. */
export function readRecords(body: Buffer): ReceivedRecord[] {
  const records: ReceivedRecord[] = [];
  let offset = 4;
  for (let left = body.readUInt32BE(0); left > 0; left--) {
    const id = body.readUInt32BE(offset);
    const infoEnd = offset + 8 + body.readUInt32BE(offset + 4);
    const download = infoEnd === offset + 8 ? undefined : JSON.parse(body.toString('utf8', offset + 8, infoEnd));
    const traceEnd = infoEnd + 1 + body.readUInt8(infoEnd);
    const traceParent = body.toString('latin1', infoEnd + 1, traceEnd);
    const end = traceEnd + 4 + body.readUInt32BE(traceEnd);
    records.push({ id, payload: body.subarray(traceEnd + 4, end), download, traceParent });
    offset = end;
  }
  return records;
}
