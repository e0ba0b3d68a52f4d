import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Payload, PayloadCodec } from '@temporalio/common';

/** Temporal refuses payloads of more than 2 MB. */
const minBytes = 128 * 1024;
const encoding = 'binary/gzip';
const originalKey = 'kflow-encoding';

/** Compresses large payloads. Payloads that another version, or nobody, has encoded pass as they are. */
class GzipCodec implements PayloadCodec {
  encode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.all(payloads.map(compressed));
  }

  decode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.all(payloads.map(decompressed));
  }
}

async function compressed(payload: Payload): Promise<Payload> {
  const { metadata, data } = payload;
  if (!data || data.length < minBytes) return payload;
  const original = metadata?.encoding ?? new Uint8Array();
  return {
    metadata: { ...metadata, encoding: Buffer.from(encoding), [originalKey]: original },
    data: await promisify(gzip)(data),
  };
}

async function decompressed(payload: Payload): Promise<Payload> {
  const { [originalKey]: original, ...metadata } = payload.metadata ?? {};
  if (original === undefined || Buffer.from(payload.metadata?.encoding ?? []).toString() !== encoding) return payload;
  return {
    metadata: { ...metadata, encoding: original },
    data: await promisify(gunzip)(payload.data ?? new Uint8Array()),
  };
}

/** Of every client and worker. */
export const dataConverter = { payloadCodecs: [new GzipCodec()] };
