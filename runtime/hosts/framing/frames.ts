import type { Failure, HostRecord } from '../../engine/ports/host';

/**
 * The frames between the runtime and the Python process, both ways: 1 byte type, u32 length, payload; numbers are
 * big-endian. The other side is `sdk/python/kfbasicpy/host/frames.py`.
 */
export const ToPython = {
  Init: 'I',
  Schema: 'S',
  Records: 'R',
  Produce: 'P',
  Credit: 'K',
  Release: 'C',
  Quit: 'Q',
} as const;
export type ToPython = (typeof ToPython)[keyof typeof ToPython];

/** Hello, fatal, outcomes, heartbeat ("B"), log entries, generated records, error of a source. */
export type FromPython = 'H' | 'F' | 'O' | 'B' | 'L' | 'G' | 'E';

export const frameHeadLength = 5;

/** A longer payload is written by itself, not copied into its frame. */
const largePayload = 64 * 1024;

export function jsonFrame(type: ToPython, value: unknown): Uint8Array {
  const body = Buffer.from(JSON.stringify(value));
  return Buffer.concat([frameHead(type, body.length), body]);
}

export function bareFrame(type: ToPython): Uint8Array {
  return frameHead(type, 0);
}

/** Room for `count` more outputs of `bytes` in all. */
export function creditFrame(count: number, bytes: number): Uint8Array {
  const frame = Buffer.allocUnsafe(frameHeadLength + 8);
  frame.set(frameHead(ToPython.Credit, 8));
  frame.writeUInt32BE(count, frameHeadLength);
  frame.writeUInt32BE(bytes, frameHeadLength + 4);
  return frame;
}

/** A frame of records, as pieces to be written one after the other. */
export function recordsFrame(records: readonly HostRecord[]): Uint8Array[] {
  const infos = records.map(({ download }) => (download === undefined ? '' : JSON.stringify(download)));
  const heads = infos.map((info) => 12 + Buffer.byteLength(info));
  const length = records.reduce((sum, record, index) => sum + (heads[index] ?? 0) + record.payload.length, 4);
  const large = records.reduce((sum, { payload }) => sum + (payload.length < largePayload ? 0 : payload.length), 0);
  const buffer = Buffer.allocUnsafe(frameHeadLength + length - large);
  buffer.set(frameHead(ToPython.Records, length));
  let offset = buffer.writeUInt32BE(records.length, frameHeadLength);
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

/** Tells the receiver what an `O` frame says, in its order. Payloads are views of the frame. */
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

/** What a source's function gave for one request. */
export interface GeneratedSlice {
  readonly request: number;
  readonly ended: boolean;
  /** The records come of a generator: run again, it gives them again. */
  readonly isRepeatable: boolean;
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
  return { request: body.readUInt32BE(0), ended: (flags & 1) !== 0, isRepeatable: (flags & 2) !== 0, payloads };
}

function frameHead(type: ToPython, length: number): Uint8Array {
  const head = Buffer.allocUnsafe(frameHeadLength);
  head.write(type, 'latin1');
  head.writeUInt32BE(length, 1);
  return head;
}
