import type { GroupOutput } from '../../../engine/ports/group-log';
import type { TraceContext } from '../../../engine/trace/trace-context';

const lengthBytes = 4;

/**
 * Outputs as bytes: of each, the lengths of its name, of its trace context in JSON and of its payload, then these. The name is the
 * id, a space and the key, if any.
 */
export function encodeOutputs(outputs: readonly GroupOutput[]): Buffer {
  const pieces: Uint8Array[] = [];
  for (const { id, payload, key, trace } of outputs) {
    const name = Buffer.from(key === undefined ? id : `${id} ${key}`);
    const parts = [name, Buffer.from(trace === undefined ? '' : JSON.stringify(trace)), payload];
    const lengths = Buffer.alloc(parts.length * lengthBytes);
    for (const [index, { length }] of parts.entries()) lengths.writeUInt32LE(length, index * lengthBytes);
    pieces.push(lengths, ...parts);
  }
  return Buffer.concat(pieces);
}

export function decodeOutputs(bytes: Buffer): readonly GroupOutput[] {
  const outputs: GroupOutput[] = [];
  for (let at = 0; at < bytes.length; ) {
    const nameAt = at + 3 * lengthBytes;
    const traceAt = nameAt + bytes.readUInt32LE(at);
    const payloadAt = traceAt + bytes.readUInt32LE(at + lengthBytes);
    const end = payloadAt + bytes.readUInt32LE(at + 2 * lengthBytes);
    const [id = '', key] = bytes.toString('utf8', nameAt, traceAt).split(' ');
    const trace = bytes.toString('utf8', traceAt, payloadAt);
    outputs.push({
      id,
      payload: bytes.subarray(payloadAt, end),
      ...(key === undefined ? {} : { key }),
      ...(trace === '' ? {} : { trace: JSON.parse(trace) as TraceContext }),
    });
    at = end;
  }
  return outputs;
}

/** Bytes in pieces of at most `size`. */
export function piecesOf(bytes: Buffer, size: number): readonly Buffer[] {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}
