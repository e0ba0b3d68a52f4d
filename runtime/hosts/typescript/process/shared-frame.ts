import { writeSync } from 'node:fs';
import { FromProcess, headLength } from '../../framing/frames';

const write = writeSync; // user code may replace the function of the module
/** How long to wait for room when something has made the descriptor non-blocking. */
const retryMs = 1;
const size = 64 * 1024;

/** Places of the numbers that the threads share. */
const Cell = { Lock: 0, Length: 1, Sends: 2, Watcher: 3, Never: 4, count: 5 } as const;
const Watcher = { Idle: 0, Watching: 1 } as const;

/**
 * An outcomes frame that is being filled, in memory that two threads of this process share, and the descriptor to which it is
 * sent. One thread fills and sends it; the other, the watcher, sends it when the first one does not, because user code does
 * not return.
 * F1. The frame, and the descriptor, belong to the thread that holds the lock.
 * F2. When a method returns, what was sent is in the kernel. It blocks while the runtime does not read.
 */
export class SharedFrame {
  private readonly cells: Int32Array;
  /** The frame: its head, and room for its body. */
  private readonly bytes: Buffer;

  constructor(
    private readonly descriptor: number,
    readonly memory = new SharedArrayBuffer(4 * Cell.count + size),
  ) {
    this.cells = new Int32Array(memory, 0, Cell.count);
    this.bytes = Buffer.from(memory, 4 * Cell.count);
  }

  /** Adds an entry; the callback writes its bytes, at most `length`, to the buffer at the offset. The frame has room. */
  append(length: number, fill: (buffer: Buffer, offset: number) => void): void {
    this.lock();
    const before = Atomics.load(this.cells, Cell.Length);
    fill(this.bytes, headLength + before);
    Atomics.store(this.cells, Cell.Length, before + length);
    this.unlock();
    if (Atomics.compareExchange(this.cells, Cell.Watcher, Watcher.Idle, Watcher.Watching) === Watcher.Idle) {
      Atomics.notify(this.cells, Cell.Watcher);
    }
  }

  /** Whether an entry of this length fits, beside those that are in the frame. */
  hasRoom(length: number): boolean {
    return headLength + Atomics.load(this.cells, Cell.Length) + length <= size;
  }

  /** Sends the frame if it has entries, and then other frames. */
  send(...frames: readonly Uint8Array[]): void {
    this.lock();
    this.sendEntries();
    for (const frame of frames) this.write(frame);
    this.unlock();
  }

  /** For the watcher: sends the frame whenever entries have been in it for `afterMs`. Does not return. */
  watch(afterMs: number): never {
    const { cells } = this;
    for (;;) {
      const sends = Atomics.load(cells, Cell.Sends);
      Atomics.wait(cells, Cell.Never, 0, afterMs);
      if (Atomics.load(cells, Cell.Sends) !== sends) continue;
      if (Atomics.load(cells, Cell.Length) > 0) this.send();
      Atomics.store(cells, Cell.Watcher, Watcher.Idle);
      if (Atomics.load(cells, Cell.Length) === 0) Atomics.wait(cells, Cell.Watcher, Watcher.Idle);
    }
  }

  private sendEntries(): void {
    const length = Atomics.load(this.cells, Cell.Length);
    if (length === 0) return;
    this.bytes[0] = FromProcess.Outcomes.charCodeAt(0);
    this.bytes.writeUInt32BE(length, 1);
    this.write(this.bytes.subarray(0, headLength + length));
    Atomics.store(this.cells, Cell.Length, 0);
    Atomics.add(this.cells, Cell.Sends, 1);
  }

  private write(bytes: Uint8Array): void {
    for (let offset = 0; offset < bytes.length; ) {
      try {
        offset += write(this.descriptor, bytes, offset);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') endProcess(error);
        Atomics.wait(this.cells, Cell.Never, 0, retryMs);
      }
    }
  }

  private lock(): void {
    while (Atomics.compareExchange(this.cells, Cell.Lock, 0, 1) !== 0) Atomics.wait(this.cells, Cell.Lock, 1);
  }

  private unlock(): void {
    Atomics.store(this.cells, Cell.Lock, 0);
    Atomics.notify(this.cells, Cell.Lock, 1);
  }
}

/** Ends this process: without the runtime, nothing is left to do. */
function endProcess(error: unknown): never {
  try {
    write(2, `no connection to the runtime: ${String(error)}\n`);
  } finally {
    process.kill(process.pid, 'SIGKILL');
  }
  throw error;
}
