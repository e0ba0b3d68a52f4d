import type { Failure, HostRecord } from '../../engine/ports/host';

/**
 * The protocol between the runtime and a process of user code, in any language. A frame is a type (1 byte), the length
 * of the body (u32) and the body; numbers are big-endian. The Python side is `sdk/python/kfbasicpy/host/frames.py`.
 */

/** Frames that the runtime sends. */
export const ToProcess = {
  /** JSON: the function, its code and its schemas. The first frame. */
  Init: 'I',
  /** JSON: a writer's schema, sent before the first record that needs it. */
  Schema: 'S',
  /** Records to process, in order. */
  Records: 'R',
  /** JSON: a request for a source's next records. */
  Produce: 'P',
  /** Outputs that are stored: the process may send as many more. */
  Credit: 'K',
  /** Give back the records that have not started. */
  Release: 'C',
  /** Exit once the earlier frames are processed. */
  Quit: 'Q',
} as const;
export type ToProcess = (typeof ToProcess)[keyof typeof ToProcess];

/** Frames that the process sends: hello, fatal, outcomes, heartbeat ("B"), log entries, generated records, source error. */
export type FromProcess = 'H' | 'F' | 'O' | 'B' | 'L' | 'G' | 'E';

const headLength = 5;

/** A longer payload is written as it is, without being copied into its frame. */
const largePayload = 64 * 1024;

export function jsonFrame(type: ToProcess, value: unknown): Uint8Array {
  const body = Buffer.from(JSON.stringify(value));
  return Buffer.concat([frameHead(type, body.length), body]);
}

export function bareFrame(type: ToProcess): Uint8Array {
  return frameHead(type, 0);
}

/** Room for `count` more outputs of `bytes` in total. */
export function creditFrame(count: number, bytes: number): Uint8Array {
  const frame = Buffer.allocUnsafe(headLength + 8);
  frame.set(frameHead(ToProcess.Credit, 8));
  frame.writeUInt32BE(count, headLength);
  frame.writeUInt32BE(bytes, headLength + 4);
  return frame;
}

/** A frame of records, as pieces to write one after the other. */
export function recordsFrame(records: readonly HostRecord[]): Uint8Array[] {
  const infos = records.map(({ download }) => (download === undefined ? '' : JSON.stringify(download)));
  const heads = infos.map((info) => 12 + Buffer.byteLength(info));
  const length = records.reduce((sum, record, index) => sum + (heads[index] ?? 0) + record.payload.length, 4);
  const large = records.reduce((sum, { payload }) => sum + (payload.length < largePayload ? 0 : payload.length), 0);
  const buffer = Buffer.allocUnsafe(headLength + length - large);
  buffer.set(frameHead(ToProcess.Records, length));
  let offset = buffer.writeUInt32BE(records.length, headLength);
  let from = 0;
  const pieces: Uint8Array[] = [];
  for (const [index, { id, payload }] of records.entries()) {
    const info = infos[index] ?? '';
    offset = buffer.writeUInt32BE(id, offset);
    const infoLength = buffer.write(info, offset + 4);
    buffer.writeUInt32BE(infoLength, offset);
    offset = buffer.writeUInt32BE(payload.length, offset + 4 + infoLength);
    if (payload.length < largePayload) {
      buffer.set(payload, offset);
      offset += payload.length;
    } else {
      pieces.push(buffer.subarray(from, offset), payload);
      from = offset;
    }
  }
  if (from < offset) pieces.push(buffer.subarray(from, offset));
  return pieces;
}

export interface OutcomeReceiver {
  output(id: number, payload: Uint8Array, side: string): void;
  done(id: number): void;
  failed(id: number, failure: Failure): void;
  released(id: number): void;
}

/** Passes the entries of an `O` frame to the receiver, in order. Payloads are views of the frame. */
export function readOutcomes(body: Buffer, receiver: OutcomeReceiver): void {
  let offset = 0;
  while (offset < body.length) {
    const id = body.readUInt32BE(offset);
    const kind = body.readUInt8(offset + 4);
    offset += 5;
    if (kind === 0) {
      receiver.done(id);
    } else if (kind === 2) {
      receiver.released(id);
    } else if (kind === 1) {
      const end = offset + 4 + body.readUInt32BE(offset);
      receiver.failed(id, JSON.parse(body.toString('utf8', offset + 4, end)) as Failure);
      offset = end;
    } else {
      const sideEnd = offset + 1 + body.readUInt8(offset);
      const end = sideEnd + 4 + body.readUInt32BE(sideEnd);
      receiver.output(id, body.subarray(sideEnd + 4, end), body.toString('utf8', offset + 1, sideEnd));
      offset = end;
    }
  }
}

/** A source function's answer to one request. */
export interface GeneratedSlice {
  readonly request: number;
  readonly ended: boolean;
  /** The records come from a generator: a second run yields the same ones. */
  readonly isRepeatable: boolean;
  /** The next answer continues the list that this one began. */
  readonly hasMore?: true;
  readonly payloads: readonly Uint8Array[];
}

export function readGenerated(body: Buffer): GeneratedSlice {
  const payloads: Uint8Array[] = [];
  for (let offset = 9; offset < body.length; ) {
    const end = offset + 4 + body.readUInt32BE(offset);
    payloads.push(body.subarray(offset + 4, end));
    offset = end;
  }
  const flags = body.readUInt8(4);
  const more = (flags & 4) === 0 ? {} : { hasMore: true as const };
  return {
    request: body.readUInt32BE(0),
    ended: (flags & 1) !== 0,
    isRepeatable: (flags & 2) !== 0,
    ...more,
    payloads,
  };
}

/**
 * Splits a stream of chunks into frames. The body of a frame within one chunk is a view of that chunk; a frame that
 * spans chunks is assembled once, when its last byte has arrived.
 */
export class FrameReader {
  private chunks: Buffer[] = [];
  private length = 0;
  /** Bytes needed before the next frame can be read. */
  private needed = headLength;

  constructor(private readonly receive: (type: FromProcess, body: Buffer) => void) {}

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.length += chunk.length;
    if (this.length < this.needed) return;
    let buffer = this.chunks.length === 1 ? chunk : Buffer.concat(this.chunks, this.length);
    while (buffer.length >= headLength) {
      const end = headLength + buffer.readUInt32BE(1);
      if (buffer.length < end) break;
      this.receive(buffer.toString('latin1', 0, 1) as FromProcess, buffer.subarray(headLength, end));
      buffer = buffer.subarray(end);
    }
    this.chunks = buffer.length === 0 ? [] : [buffer];
    this.length = buffer.length;
    this.needed = headLength + (buffer.length < headLength ? 0 : buffer.readUInt32BE(1));
  }
}

function frameHead(type: ToProcess, length: number): Uint8Array {
  const head = Buffer.allocUnsafe(headLength);
  head.write(type, 'latin1');
  head.writeUInt32BE(length, 1);
  return head;
}
