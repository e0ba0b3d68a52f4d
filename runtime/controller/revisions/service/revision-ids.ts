import { createHash } from 'node:crypto';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A text as a UUID in lower case; undefined if it is none. */
export function uuidIn(text: string): string | undefined {
  const lower = text.toLowerCase();
  return uuid.test(lower) ? lower : undefined;
}

/** The id of a group that only has a name: the same for the same name, by version 8 of RFC 9562. */
export function groupIdOf(namespace: string, name: string): string {
  const hash = createHash('sha256').update(`${namespace}/${name}`).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
