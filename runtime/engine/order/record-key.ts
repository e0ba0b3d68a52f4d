import { createHash } from 'node:crypto';

/** Header with the key of a record, as `keyOfValue` renders it. */
export const keyHeader = 'Kflow-Key';

/** The key of a record with this value: 64 bits as 11 characters, the same for equal values of any numeric type. */
export function keyOfValue(value: unknown): string {
  return digestOf(textOf(value)).toString('base64url', 0, 8);
}

/** The partition of a key, from 0. A record without a key has that of its message id. */
export function partitionOf(key: string, partitions: number): number {
  return digestOf(key).readUInt32BE(0) % partitions;
}

/** The headers that pass a key on to the outputs of its record. */
export function keyHeaders({
  key,
}: {
  readonly key?: string | undefined;
}): { readonly [keyHeader]: string } | undefined {
  return key === undefined ? undefined : { [keyHeader]: key };
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value);
}
