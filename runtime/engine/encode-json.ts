import { readJson } from '../avro/read-json';
import type { AvroSchemaCodec } from './avro-message';

/**
 * The message of a record in JSON, by the rules of docs/avro.md, in the first schema that it fits; else the first value that
 * does not fit the first schema.
 */
export function encodeJson(
  codecs: readonly AvroSchemaCodec[],
  json: unknown,
): { readonly payload: Uint8Array } | { readonly misfit: string } {
  let misfit: string | undefined;
  for (const codec of codecs) {
    const record = readJson(codec.type, json);
    const payload = codec.encode(record);
    if (payload !== undefined) return { payload };
    misfit ??= codec.misfit(record);
  }
  return { misfit: misfit ?? 'there is no schema' };
}
