import path from 'node:path';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { Failure, LogLevel, Misfit } from '../../../engine/ports/host';
import { Entry, FromProcess, headLength, misfitMark } from '../../framing/frames';
import { SharedFrame } from './shared-frame';

/** One entry of an outcomes frame. */
export type OutcomeEntry =
  | { readonly id: number; readonly kind: typeof Entry.Done | typeof Entry.Released | typeof Entry.AckRequested }
  | { readonly id: number; readonly kind: typeof Entry.Failed; readonly failure: Failure }
  | {
      readonly id: number;
      readonly kind: typeof Entry.Output | typeof Entry.OutputWithCredit;
      readonly side: string;
      readonly payload: Uint8Array;
    };

/** An encoded record of a source, or one that does not fit. */
export type Produced = Uint8Array | Omit<Misfit, 'before'>;

export interface Slice {
  readonly records: readonly Produced[];
  readonly ended: boolean;
  readonly isRepeatable: boolean;
  readonly hasMore?: boolean;
}

/**
 * Sends frames to the runtime, in the order of the calls.
 * O1. When a method other than `gather` returns, its frames are in the kernel: they reach the runtime, whatever user code does
 *     to the process next. So the runtime knows which record runs, and nothing is queued in this process.
 * O2. What is gathered is sent with the next frame, or by `flush`, or within 20 ms by a thread of its own, even while user
 *     code never returns.
 */
export class Outbox {
  private readonly frame: SharedFrame;
  private watcher: 'none' | 'starting' | 'watching' = 'none';

  constructor(private readonly descriptor: number) {
    this.frame = new SharedFrame(descriptor);
  }

  json(type: FromProcess, value: unknown): void {
    this.frame.send(frameOf(type, jsonOf(value)));
  }

  /** `record` is the id of the record that is being processed. */
  log(level: LogLevel, text: string, record?: number): void {
    this.json(FromProcess.Log, [{ level, text, record }]);
  }

  heartbeat(id: number): void {
    const body = Buffer.allocUnsafe(4);
    body.writeUInt32BE(id);
    this.frame.send(frameOf(FromProcess.Heartbeat, body));
  }

  send(entries: readonly OutcomeEntry[]): void {
    for (const entry of entries) this.add(entry);
    this.frame.send();
  }

  /** Sends these entries together with others, soon. */
  gather(entries: readonly OutcomeEntry[]): void {
    for (const entry of entries) this.add(entry);
    if (this.watcher === 'watching') return;
    this.frame.send(); // O2: nobody else would
    if (this.watcher === 'none') this.startWatcher();
  }

  /** Sends what is gathered. */
  flush(): void {
    this.frame.send();
  }

  /** Responds to the request of a source. */
  slice(request: number, { records, ended, isRepeatable, hasMore }: Slice): void {
    const entries = records.map((record) => (record instanceof Uint8Array ? record : jsonOf(record)));
    const body = Buffer.allocUnsafe(entries.reduce((sum, entry) => sum + 4 + entry.length, 9));
    let offset = body.writeUInt32BE(request);
    offset = body.writeUInt8((ended ? 1 : 0) | (isRepeatable ? 2 : 0) | (hasMore ? 4 : 0), offset);
    offset = body.writeUInt32BE(entries.length, offset);
    for (const [index, entry] of entries.entries()) {
      const mark = records[index] === entry ? 0 : misfitMark;
      offset = body.writeUInt32BE(mark + entry.length, offset);
      body.set(entry, offset);
      offset += entry.length;
    }
    this.frame.send(frameHead(FromProcess.Generated, body.length), body);
  }

  private add(entry: OutcomeEntry): void {
    const body = 'payload' in entry ? entry.payload : 'failure' in entry ? jsonOf(entry.failure) : undefined;
    const headLengthOfEntry = lengthOfHead(entry);
    const length = headLengthOfEntry + (body?.length ?? 0);
    if (!this.frame.hasRoom(length)) this.frame.send();
    if (this.frame.hasRoom(length)) {
      this.frame.append(length, (buffer, offset) => {
        const at = writeHeadOf(entry, buffer, offset);
        if (body === undefined) return;
        buffer.set(body, buffer.writeUInt32BE(body.length, at));
      });
    } else if (body !== undefined) {
      const head = frameHead(FromProcess.Outcomes, length, headLengthOfEntry);
      head.writeUInt32BE(body.length, writeHeadOf(entry, head, headLength));
      this.frame.send(head, body); // without a copy
    }
  }

  private startWatcher(): void {
    this.watcher = 'starting';
    const worker = new Worker(path.join(__dirname, 'watcher.js'), {
      workerData: { descriptor: this.descriptor, memory: this.frame.memory },
      resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
      env: SHARE_ENV,
      execArgv: [],
    });
    worker.unref();
    worker.once('online', () => {
      this.watcher = 'watching';
    });
    // without the thread, each outcome is sent by itself
    worker.once('error', () => undefined);
    worker.once('exit', () => {
      this.watcher = 'starting';
    });
  }
}

/** Length of an entry without its payload or failure. */
function lengthOfHead(entry: OutcomeEntry): number {
  switch (entry.kind) {
    case Entry.Done:
    case Entry.Released:
    case Entry.AckRequested:
      return 5;
    case Entry.Failed:
      return 9;
    default:
      return 10 + (entry.side === '' ? 0 : Buffer.byteLength(entry.side));
  }
}

/** Writes an entry up to the length of its payload or failure, and returns the offset behind it. */
function writeHeadOf(entry: OutcomeEntry, buffer: Buffer, start: number): number {
  const offset = buffer.writeUInt8(entry.kind, buffer.writeUInt32BE(entry.id, start));
  if (!('side' in entry)) return offset;
  const length = entry.side === '' ? 0 : buffer.write(entry.side, offset + 1);
  return buffer.writeUInt8(length, offset) + length;
}

/** The head of a frame with a body of this length, and room for the beginning of the body. */
function frameHead(type: FromProcess, length: number, room = 0): Buffer {
  const head = Buffer.allocUnsafe(headLength + room);
  head[0] = type.charCodeAt(0);
  head.writeUInt32BE(length, 1);
  return head;
}

function frameOf(type: FromProcess, body: Uint8Array): Uint8Array {
  return Buffer.concat([frameHead(type, body.length), body]);
}

function jsonOf(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
