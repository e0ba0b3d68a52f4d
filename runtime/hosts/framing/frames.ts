import type { Failure, HostRecord, Misfit } from '../../engine/ports/host';

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
  /** Run the function's finish: its outputs and its outcome have the id in the body. */
  Finish: 'N',
  /** The result of the record with the id in the body is not needed any more. */
  Cancel: 'X',
  /** Give back the records that have not started. */
  Release: 'C',
  /** Exit once the earlier frames are processed. */
  Quit: 'Q',
} as const;
export type ToProcess = (typeof ToProcess)[keyof typeof ToProcess];

/** Frames that the process sends. */
export const FromProcess = {
  /** JSON: the code is loaded. */
  Hello: 'H',
  /** JSON: the code cannot be loaded, or the process has to end; its last frame. */
  Fatal: 'F',
  /** Outputs and outcomes of records. */
  Outcomes: 'O',
  /** The id of a record that is alive. */
  Heartbeat: 'B',
  /** JSON: log entries, each with the id of the record that was being processed, if there is one. */
  Log: 'L',
  /** Records of a source: the response to a request. */
  Generated: 'G',
  /** JSON: the failure of a request. */
  SourceError: 'E',
} as const;
export type FromProcess = (typeof FromProcess)[keyof typeof FromProcess];

/** The longest body of each frame. Text that user code writes among the frames is above these limits, or no frame. */
export type FrameLimits<Type extends string> = { readonly [Each in Type]: number };

const maxJson = 64 * 1024 * 1024;
const maxRecords = 512 * 1024 * 1024;

export const fromProcessLimits: FrameLimits<FromProcess> = {
  H: maxJson,
  F: maxJson,
  O: maxRecords,
  B: 4,
  L: maxJson,
  G: maxRecords,
  E: maxJson,
};

export const toProcessLimits: FrameLimits<ToProcess> = {
  I: maxRecords,
  S: maxJson,
  R: maxRecords,
  P: maxJson,
  K: 8,
  N: 4,
  X: 4,
  C: 0,
  Q: 0,
};

/** The other side sent what is not a frame, or what it may not send now. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

export const headLength = 5;

/** Kinds of the entries of an outcomes frame. */
export const Entry = {
  Done: 0,
  Failed: 1,
  Released: 2,
  Output: 3,
  /** An output that takes room until the runtime gives it back. */
  OutputWithCredit: 4,
  /** The function requests the acks of the records that have ended, and of this one. */
  AckRequested: 5,
} as const;

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

/** An order about one record, or the finish, with its id. */
export function idFrame(type: typeof ToProcess.Finish | typeof ToProcess.Cancel, id: number): Uint8Array {
  const frame = Buffer.allocUnsafe(headLength + 4);
  frame.set(frameHead(type, 4));
  frame.writeUInt32BE(id, headLength);
  return frame;
}

/**
 * A frame of records, as pieces to write one after the other. Each record is its id (u32), the length (u32) and the JSON of its
 * download, the length (u8) and the text of its trace parent, and the length (u32) and the bytes of its payload.
 */
export function recordsFrame(records: readonly HostRecord[]): Uint8Array[] {
  const infos = records.map(({ download }) => (download === undefined ? '' : JSON.stringify(download)));
  const heads = records.map(({ trace }, index) => {
    return 13 + Buffer.byteLength(infos[index] ?? '') + (trace?.traceparent.length ?? 0);
  });
  const length = records.reduce((sum, record, index) => sum + (heads[index] ?? 0) + record.payload.length, 4);
  const large = records.reduce((sum, { payload }) => sum + (payload.length < largePayload ? 0 : payload.length), 0);
  const buffer = Buffer.allocUnsafe(headLength + length - large);
  buffer.set(frameHead(ToProcess.Records, length));
  let offset = buffer.writeUInt32BE(records.length, headLength);
  let from = 0;
  const pieces: Uint8Array[] = [];
  for (const [index, { id, payload, trace }] of records.entries()) {
    const info = infos[index] ?? '';
    offset = buffer.writeUInt32BE(id, offset);
    const infoLength = buffer.write(info, offset + 4);
    offset = buffer.writeUInt32BE(infoLength, offset) + infoLength;
    const traceLength = trace === undefined ? 0 : buffer.write(trace.traceparent, offset + 1, 'latin1');
    offset = buffer.writeUInt8(traceLength, offset) + traceLength;
    offset = buffer.writeUInt32BE(payload.length, offset);
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
  output(id: number, payload: Uint8Array, side: string, takesRoom: boolean): void;
  done(id: number): void;
  failed(id: number, failure: Failure): void;
  released(id: number): void;
  ackRequested(id: number): void;
}

/** Passes the entries of an outcomes frame to the receiver, in order. Payloads are views of the frame. */
export function readOutcomes(body: Buffer, receiver: OutcomeReceiver): void {
  let offset = 0;
  while (offset < body.length) {
    const id = body.readUInt32BE(offset);
    const kind = body.readUInt8(offset + 4);
    offset += 5;
    switch (kind) {
      case Entry.Done:
        receiver.done(id);
        break;
      case Entry.Released:
        receiver.released(id);
        break;
      case Entry.AckRequested:
        receiver.ackRequested(id);
        break;
      case Entry.Failed: {
        const end = endOf(body, offset);
        receiver.failed(id, parseJson(body.subarray(offset + 4, end)));
        offset = end;
        break;
      }
      case Entry.Output:
      case Entry.OutputWithCredit: {
        const sideEnd = offset + 1 + body.readUInt8(offset);
        const end = endOf(body, sideEnd);
        const side = sideEnd === offset + 1 ? '' : body.toString('utf8', offset + 1, sideEnd);
        receiver.output(id, body.subarray(sideEnd + 4, end), side, kind === Entry.OutputWithCredit);
        offset = end;
        break;
      }
      default:
        throw new ProtocolError(`an entry of the kind ${kind}`);
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
  readonly misfits?: readonly Misfit[];
}

/** Marks, in the length of an entry of a slice, the JSON of a record that does not fit its schema. */
export const misfitMark = 0x8000_0000;

export function readGenerated(body: Buffer): GeneratedSlice {
  const payloads: Uint8Array[] = [];
  const misfits: Misfit[] = [];
  for (let offset = 9; offset < body.length; ) {
    const marked = body.readUInt32BE(offset);
    const isMisfit = marked >= misfitMark;
    const end = offset + 4 + (isMisfit ? marked - misfitMark : marked);
    if (end > body.length) throw new ProtocolError('a frame shorter than its content');
    const entry = body.subarray(offset + 4, end);
    if (isMisfit) misfits.push({ ...parseJson<Omit<Misfit, 'before'>>(entry), before: payloads.length });
    else payloads.push(entry);
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
    ...(misfits.length === 0 ? {} : { misfits }),
  };
}

/** The JSON of a frame. Throws ProtocolError. */
export function parseJson<T>(body: Buffer): T {
  try {
    return JSON.parse(body.toString()) as T;
  } catch {
    throw new ProtocolError('a frame that is not JSON');
  }
}

/** The end of the bytes behind the length at this offset. */
function endOf(body: Buffer, offset: number): number {
  const end = offset + 4 + body.readUInt32BE(offset);
  if (end > body.length) throw new ProtocolError('a frame shorter than its content');
  return end;
}

/**
 * Splits a stream of chunks into frames. The body of a frame within one chunk is a view of that chunk; a frame that
 * spans chunks is assembled once, when its last byte has arrived. `push` throws ProtocolError at what is not a frame.
 */
export class FrameReader<Type extends string> {
  private chunks: Buffer[] = [];
  private length = 0;
  /** Bytes needed before the next frame can be read. */
  private needed = headLength;

  constructor(
    private readonly limits: FrameLimits<Type>,
    private readonly receive: (type: Type, body: Buffer) => void,
  ) {}

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.length += chunk.length;
    if (this.length < this.needed) return;
    let buffer = this.chunks.length === 1 ? chunk : Buffer.concat(this.chunks, this.length);
    while (buffer.length >= headLength) {
      const { type, end } = this.headOf(buffer);
      if (buffer.length < end) break;
      this.deliver(type, buffer.subarray(headLength, end));
      buffer = buffer.subarray(end);
    }
    this.chunks = buffer.length === 0 ? [] : [buffer];
    this.length = buffer.length;
    this.needed = buffer.length < headLength ? headLength : this.headOf(buffer).end;
  }

  private headOf(buffer: Buffer): { readonly type: Type; readonly end: number } {
    const type = String.fromCharCode(buffer[0] ?? 0) as Type;
    const limit = Object.hasOwn(this.limits, type) ? this.limits[type] : undefined;
    if (limit === undefined) throw new ProtocolError(`no frame begins with ${JSON.stringify(textOf(buffer))}`);
    const length = buffer.readUInt32BE(1);
    if (length > limit)
      throw new ProtocolError(`a frame of ${length} bytes begins with ${JSON.stringify(textOf(buffer))}`);
    return { type, end: headLength + length };
  }

  private deliver(type: Type, body: Buffer): void {
    try {
      this.receive(type, body);
    } catch (error) {
      if (!isBeyondBuffer(error)) throw error;
      throw new ProtocolError(`a frame of the type ${type} that is too short`);
    }
  }
}

/** Whether a number was to be read beyond the end of a buffer. */
function isBeyondBuffer(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ERR_OUT_OF_RANGE' || code === 'ERR_BUFFER_OUT_OF_BOUNDS';
}

/** The first bytes of what is no frame, as text. */
function textOf(buffer: Buffer): string {
  return buffer.toString('latin1', 0, 20);
}

function frameHead(type: ToProcess, length: number): Uint8Array {
  const head = Buffer.allocUnsafe(headLength);
  head.write(type, 'latin1');
  head.writeUInt32BE(length, 1);
  return head;
}
