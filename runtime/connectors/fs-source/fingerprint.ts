import { createHash } from 'node:crypto';
import type { ListedObject } from '../connector';

/** Bytes of a fingerprint: 4 of the hash of the key, by which replicas share objects, and 12 of that of the version. */
export const fingerprintBytes = 16;
const keyBytes = 4;

/** Stands for one version of an object: 16 bytes as a string of as many characters. */
export type Fingerprint = string;

/** A version is the etag and the time: an object that was written again with the same content is another one. */
export function fingerprintOf(bucket: string, { key, etag, lastModifiedMs }: ListedObject): Fingerprint {
  const version = hashOf(JSON.stringify([bucket, key, `${etag}:${lastModifiedMs}`]));
  const bytes = Buffer.concat([hashOf(key).subarray(0, keyBytes), version.subarray(0, fingerprintBytes - keyBytes)]);
  return bytes.toString('latin1');
}

/** The replica, of `replicas`, that emits the object: the same for each version of it. */
export function replicaOf(fingerprint: Fingerprint, replicas: number): number {
  return Buffer.from(fingerprint, 'latin1').readUInt32BE() % replicas;
}

/** The fingerprint as a part of a message id, and back. Undefined if the text is none. */
export function idTextOf(fingerprint: Fingerprint): string {
  return Buffer.from(fingerprint, 'latin1').toString('base64url');
}

export function parseIdText(text: string): Fingerprint | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === fingerprintBytes ? bytes.toString('latin1') : undefined;
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
