import { createHash } from 'node:crypto';
import { ConfigError } from '../../../lib/errors';
import { type Fingerprint, fingerprintBytes } from './fingerprint';

/** The objects of a stretch of the listing that were emitted, as a source notes them in the flow's state. */
export interface ListingNote {
  /** The last key of the stretch, which begins behind that of the one before. Undefined: it ends with the listing. */
  readonly until: string | undefined;
  /** In the order of the listing. */
  readonly emitted: readonly Fingerprint[];
}

/** Length that says that a stretch ends with the listing. */
const endless = 0xffff_ffff;
const headBytes = 4;

/** The length of `until` (u32, big-endian), `until`, and the fingerprints. */
export function encodeNote({ until, emitted }: ListingNote): Uint8Array {
  const key = Buffer.from(until ?? '');
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(until === undefined ? endless : key.length);
  return Buffer.concat([head, key, Buffer.from(emitted.join(''), 'latin1')]);
}

/** Throws ConfigError when the bytes are no note. */
export function decodeNote(value: Uint8Array): ListingNote {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  const length = bytes.length < headBytes ? Number.NaN : bytes.readUInt32BE();
  const from = length === endless ? headBytes : headBytes + length;
  if (!(from <= bytes.length) || (bytes.length - from) % fingerprintBytes !== 0) {
    throw new ConfigError('config-invalid', 'the state of the flow has a note of a listing that cannot be read');
  }
  const emitted: Fingerprint[] = [];
  for (let at = from; at < bytes.length; at += fingerprintBytes) {
    emitted.push(bytes.toString('latin1', at, at + fingerprintBytes));
  }
  return { until: length === endless ? undefined : bytes.toString('utf8', headBytes, from), emitted };
}

/** What the note of a stretch is stored under. */
export function noteNameOf(until: string | undefined): string {
  return until === undefined ? 'end' : createHash('sha256').update(until).digest('base64url').slice(0, 32);
}

/** Equal for equal fingerprints in the same order; short, because it is kept for every stretch. */
export function digestOf(emitted: readonly Fingerprint[]): string {
  return createHash('sha256').update(emitted.join(''), 'latin1').digest('base64url').slice(0, 16);
}
