import type { Download } from '../../../engine/ports/host';

/** A record to process; `payload` is a view of its frame. */
export interface ReceivedRecord {
  readonly id: number;
  readonly payload: Buffer;
  readonly download: Download | undefined;
}

/** The records of a records frame. */
export function readRecords(body: Buffer): ReceivedRecord[] {
  const records: ReceivedRecord[] = [];
  let offset = 4;
  for (let left = body.readUInt32BE(0); left > 0; left--) {
    const id = body.readUInt32BE(offset);
    const infoEnd = offset + 8 + body.readUInt32BE(offset + 4);
    const download = infoEnd === offset + 8 ? undefined : JSON.parse(body.toString('utf8', offset + 8, infoEnd));
    const end = infoEnd + 4 + body.readUInt32BE(infoEnd);
    records.push({ id, payload: body.subarray(infoEnd + 4, end), download });
    offset = end;
  }
  return records;
}
