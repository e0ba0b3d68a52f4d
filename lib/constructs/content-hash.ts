import { createHash } from 'node:crypto';

/** The same for the same text, on any machine: 16 hexadecimal digits of its SHA-256. */
export function contentHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
