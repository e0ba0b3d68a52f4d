import { failureOf } from './failure';
import type { Produced } from './outbox';
import { eachRecord, type OutputEncoder } from './output-encoder';

/** Records and bytes of one response, at most. */
export const sliceRecords = 1_024;
export const sliceBytes = 1024 * 1024;
/** Longest text of a record that does not fit, in UTF-16 units. */
const maxShown = 64 * 1024;

/** The encoded records. One that does not fit has its place among them, with the reason. */
export async function encodeEach(returned: unknown, encoder: OutputEncoder): Promise<readonly Produced[]> {
  const produced: Produced[] = [];
  for await (const record of eachRecord(returned)) produced.push(encodeOne(record, encoder));
  return produced;
}

/** The record as it is at the call: its owner may change it afterwards, and use it for the next one. */
export function encodeOne(record: unknown, encoder: OutputEncoder): Produced {
  try {
    return encoder.encode(record);
  } catch (error) {
    return { failure: failureOf(error), record: jsonTextOf(record) };
  }
}

export function sizeOf(record: Produced | undefined): number {
  return record instanceof Uint8Array ? record.length : (record?.record.length ?? 0);
}

/** A record as JSON; one that has no JSON, or a long one, as a text about it. */
function jsonTextOf(record: unknown): string {
  try {
    const text = JSON.stringify(record, (_, value) => (hasNoJson(value) ? String(value) : value)) ?? '';
    if (text !== '' && text.length <= maxShown) return text;
    return JSON.stringify(text === '' ? String(record) : `${text.slice(0, 1_000)}… (${text.length} characters)`);
  } catch (error) {
    return JSON.stringify(`the record has no JSON: ${failureOf(error).message}`);
  }
}

/** Whether JSON has no such number. */
function hasNoJson(value: unknown): boolean {
  return typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value));
}
