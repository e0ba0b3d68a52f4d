import path from 'node:path';
import { Gzip } from 'fflate';
import { digestOf, imageCache, readIfThere, writeAtomically } from './cached-download';

/** A layer as a registry stores it: compressed, known by its own digest, and by that of the tar within. */
export interface LayerBlob {
  readonly content: Buffer;
  readonly digest: string;
  readonly diffId: string;
  readonly createdBy: string;
}

const level = 6;

/**
 * Compresses a layer. JavaScript does it, because the bytes that zlib writes differ between versions of Node and between
 * processors; the cache makes up for the time.
 */
export function compressLayer(tar: Buffer, createdBy: string): LayerBlob {
  const diffId = digestOf(tar);
  const cached = path.join(imageCache, 'layers', `${diffId}.${level}.gz`);
  const known = readIfThere(cached);
  const content = known ?? gzip(tar);
  if (known === undefined) writeAtomically(cached, content);
  return { content, digest: digestOf(content), diffId, createdBy };
}

function gzip(content: Buffer): Buffer {
  const chunks: Uint8Array[] = [];
  const stream = new Gzip({ level, mtime: 0 }, (chunk) => chunks.push(chunk));
  const step = 1 << 20;
  for (let offset = 0; offset < content.length; offset += step) {
    stream.push(content.subarray(offset, offset + step), offset + step >= content.length);
  }
  return Buffer.concat(chunks);
}
