import type { GroupOutput } from '../../../engine/ports/group-log';

const lengthBytes = 4;

/** Outputs as bytes: of each, the lengths of its name and of its payload, then both. The name is the id, a space and the key, if any. */
export function encodeOutputs(outputs: readonly GroupOutput[]): Buffer {
  const pieces: Uint8Array[] = [];
  for (const { id, payload, key } of outputs) {
    const name = Buffer.from(key === undefined ? id : `${id} ${key}`);
    const lengths = Buffer.alloc(2 * lengthBytes);
    lengths.writeUInt32LE(name.length, 0);
    lengths.writeUInt32LE(payload.length, lengthBytes);
    pieces.push(lengths, name, payload);
  }
  return Buffer.concat(pieces);
}

export function decodeOutputs(bytes: Buffer): readonly GroupOutput[] {
  const outputs: GroupOutput[] = [];
  for (let at = 0; at < bytes.length; ) {
    const nameAt = at + 2 * lengthBytes;
    const payloadAt = nameAt + bytes.readUInt32LE(at);
    const end = payloadAt + bytes.readUInt32LE(at + lengthBytes);
    const [id = '', key] = bytes.toString('utf8', nameAt, payloadAt).split(' ');
    outputs.push({ id, payload: bytes.subarray(payloadAt, end), ...(key === undefined ? {} : { key }) });
    at = end;
  }
  return outputs;
}

/** Bytes in pieces of at most `size`. */
export function piecesOf(bytes: Buffer, size: number): readonly Buffer[] {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}
