import { closeSync, copyFileSync, mkdirSync, openSync, readSync, rmSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';

const maxBytes = 10 * 1024 ** 2;
const chunkBytes = 64 * 1024;
const followEveryMs = 100;
/** Bytes at the end of a log that are searched for an error, and characters of the error that are shown. */
const searchedBytes = 16 * 1024;
const shownLength = 300;

/**
 * The output of a replica across its restarts. The process itself appends to the file; above 10 MB the content moves to
 * `<file>.old` and replaces the old content there.
 */
export class ReplicaLog {
  /** Where the output of the last run begins. */
  private start = 0;

  constructor(readonly file: string) {}

  /** Opens the file for a new run. The caller closes the descriptor. */
  open(): number {
    mkdirSync(path.dirname(this.file), { recursive: true });
    this.rotate();
    this.start = sizeOf(this.file);
    return openSync(this.file, 'a');
  }

  /** To be called from time to time. Output during the move, which takes milliseconds, may be lost. */
  rotate(): void {
    if (sizeOf(this.file) <= maxBytes) return;
    try {
      copyFileSync(this.file, `${this.file}.old`);
    } catch {
      // the disk has no room for a copy: dropping the old content makes room
      rmSync(`${this.file}.old`, { force: true });
    }
    truncateSync(this.file, 0);
    this.start = 0;
  }

  /** The last lines of the last run, joined and cut to 300 characters; empty when the run printed nothing. */
  lastError(): string {
    const end = sizeOf(this.file);
    const from = Math.max(this.start, end - searchedBytes);
    return lastMessages(readRange(this.file, from, end).toString('utf8'));
  }
}

export interface ReadLogOptions {
  /** Left out, every line that is kept. */
  readonly tailLines?: number;
  /** Called at the end of the file; while true, the reader waits for more lines. */
  readonly isOpen: () => boolean;
}

/** The lines of a log file, the oldest first; none when there is no such file. */
export async function* readLog(file: string, { tailLines, isOpen }: ReadLogOptions): AsyncGenerator<string> {
  if (tailLines === undefined) yield* linesOf(`${file}.old`, 0, () => false);
  yield* linesOf(file, tailLines === undefined ? 0 : startOfTail(file, tailLines), isOpen);
}

async function* linesOf(file: string, from: number, isOpen: () => boolean): AsyncGenerator<string> {
  let decoder = new StringDecoder('utf8');
  let position = from;
  let rest = '';
  for (;;) {
    const wasOpen = isOpen();
    const size = sizeOf(file);
    if (size < position) [position, rest, decoder] = [0, '', new StringDecoder('utf8')];
    if (size > position) {
      const bytes = readRange(file, position, Math.min(size, position + chunkBytes));
      position += bytes.length;
      const lines = (rest + decoder.write(bytes)).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    } else if (wasOpen) await sleep(followEveryMs);
    else break;
  }
  if (rest !== '') yield rest;
}

/** The offset at which the last lines begin. */
function startOfTail(file: string, lines: number): number {
  const end = sizeOf(file);
  let found = 0;
  for (let to = end; to > 0; to -= chunkBytes) {
    const from = Math.max(0, to - chunkBytes);
    const bytes = readRange(file, from, to);
    for (let at = bytes.length - 1; at >= 0; at--) {
      // the newline of the last line does not begin another line
      if (bytes[at] === 10 && from + at < end - 1 && ++found === lines) return from + at + 1;
    }
  }
  return lines === 0 ? end : 0;
}

function readRange(file: string, from: number, to: number): Buffer {
  if (to <= from) return Buffer.alloc(0);
  const descriptor = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(to - from);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, from));
  } finally {
    closeSync(descriptor);
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Frames of a JavaScript stack, and the lines that Node prints below them, do not describe the error. */
const noise = /^(at |Node\.js v\d|\}$|\^+$)/;

function lastMessages(text: string): string {
  const lines = text
    .split('\n')
    .flatMap(messageOf)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !noise.test(line));
  let joined = lines.pop() ?? '';
  for (const line of lines.slice(-2).reverse()) {
    if (joined.length + line.length + 3 > shownLength) break;
    joined = `${line} | ${joined}`;
  }
  return joined.length > shownLength ? `${joined.slice(0, shownLength - 1)}…` : joined;
}

/** Time, level and origin before a message of the runtime's text log, removed so that a repeated error reads the same. */
const textHead = /^\[\d{4}-\d{2}-\d{2} [\d:.]+\] (?:\([^)]*\) )?([A-Z]+): /;
const uneventfulLevels = ['DEBUG', 'INFO'];

/** The message of a line that the runtime logged, without DEBUG and INFO; a message logged as JSON may have several lines. */
function messageOf(line: string): string[] {
  const [head, level = ''] = textHead.exec(line) ?? [];
  if (head !== undefined) return uneventfulLevels.includes(level) ? [] : [line.slice(head.length)];
  if (!line.startsWith('{')) return [line];
  try {
    const { msg, level: logged } = JSON.parse(line) as { msg?: unknown; level?: unknown };
    if (typeof msg !== 'string') return [line];
    return uneventfulLevels.includes(String(logged)) ? [] : msg.split('\n');
  } catch {
    return [line]; // not written by the runtime's logger
  }
}
