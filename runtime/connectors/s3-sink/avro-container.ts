import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { FunctionError } from '../../../lib/errors';
import type { SinkRecord } from '../../engine/ports/sink';

/** Bytes of records in one block, at most, unless one record has more. */
const blockBytes = 1024 * 1024;
/** Length of a message's header before its Avro. */
const messageHeader = 10;

/**
 * An object container file with deflated blocks (Avro 1.12, "Object container files"). The sync marker is made of the schema and
 * the first record, so that the same records give the same bytes.
 */
export function avroContainer(records: readonly SinkRecord[]): Uint8Array {
  const [first] = records;
  if (first === undefined) return Buffer.alloc(0);
  const { schema } = first.schema;
  const text = typeof schema === 'string' ? schema : JSON.stringify(schema);
  const bodies = records.map(bodyOf);
  const marker = createHash('sha256')
    .update(text)
    .update(bodies[0] ?? '')
    .digest()
    .subarray(0, 16);
  const header = [
    Buffer.from('Obj\x01'),
    long(2),
    ...[bytes('avro.codec'), bytes('deflate'), bytes('avro.schema'), bytes(text)],
    long(0),
    marker,
  ];
  return Buffer.concat([...header, ...blocksOf(bodies).flatMap((block) => encodeBlock(block, marker))]);
}

function bodyOf({ value, schema }: SinkRecord): Uint8Array {
  const message = schema.encode(value);
  if (message === undefined) throw new FunctionError('record-invalid', 'the record does not fit its schema');
  return message.subarray(messageHeader);
}

function blocksOf(bodies: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
  const blocks: Uint8Array[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const body of bodies) {
    if (size + body.length > blockBytes) {
      blocks.push([]);
      size = 0;
    }
    blocks.at(-1)?.push(body);
    size += body.length;
  }
  return blocks;
}

function encodeBlock(bodies: readonly Uint8Array[], marker: Uint8Array): readonly Uint8Array[] {
  const data = deflateRawSync(Buffer.concat(bodies));
  return [long(bodies.length), long(data.length), data, marker];
}

function bytes(text: string): Uint8Array {
  const data = Buffer.from(text);
  return Buffer.concat([long(data.length), data]);
}

/** A long that is not negative: zigzag, then 7 bits a byte. */
function long(value: number): Uint8Array {
  const encoded: number[] = [];
  for (let rest = BigInt(value) * 2n; ; rest >>= 7n) {
    const low = Number(rest & 0x7fn);
    if (rest < 0x80n) {
      encoded.push(low);
      return Uint8Array.from(encoded);
    }
    encoded.push(low | 0x80);
  }
}
