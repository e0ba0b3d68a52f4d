import { closeSync, copyFileSync, mkdirSync, openSync, readSync, rmSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';

const maxBytes = 10 * 1024 ** 2;
const chunkBytes = 64 * 1024;
const followEveryMs = 100;
/** How much of a log's end is searched for an error, and how much of it is shown. */
const searchedBytes = 16 * 1024;
const shownLength = 300;

/**
 * What a replica prints, over its restarts. The process itself appends to the file; above 10 MB its content moves to
 * `<file>.old`, in the place of what was there.
 */
export class ReplicaLog {
  /** Where the run began that is the last one. */
  private start = 0;

  constructor(readonly file: string) {}

  /** Opens the file for a run that begins. The descriptor is the caller's to close. */
  open(): number {
    mkdirSync(path.dirname(this.file), { recursive: true });
    this.rotate();
    this.start = sizeOf(this.file);
    return openSync(this.file, 'a');
  }

  /** To be called now and then. What is printed while the content moves, which takes milliseconds, can be lost. */
  rotate(): void {
    if (sizeOf(this.file) <= maxBytes) return;
    try {
      copyFileSync(this.file, `${this.file}.old`);
    } catch {
      // no room for a copy: then the log goes, which makes room
      rmSync(`${this.file}.old`, { force: true });
    }
    truncateSync(this.file, 0);
    this.start = 0;
  }

  /** The last lines of the last run in one line of at most 300 characters; empty when it has printed nothing. */
  lastError(): string {
    const end = sizeOf(this.file);
    const from = Math.max(this.start, end - searchedBytes);
    return lastWords(readRange(this.file, from, end).toString('utf8'));
  }
}

export interface ReadLogOptions {
  /** Left out, all that are kept. */
  readonly tailLines?: number;
  /** Asked at the end of the file; while it is true, more is waited for. */
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

/** Where the last lines begin. */
function startOfTail(file: string, lines: number): number {
  const end = sizeOf(file);
  let found = 0;
  for (let to = end; to > 0; to -= chunkBytes) {
    const from = Math.max(0, to - chunkBytes);
    const bytes = readRange(file, from, to);
    for (let at = bytes.length - 1; at >= 0; at--) {
      // the end of the last line is no beginning of another one
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

/** Frames of a JavaScript stack, and what node prints below them, tell nobody what went wrong. */
const noise = /^(at |Node\.js v\d|\}$|\^+$)/;

function lastWords(text: string): string {
  const lines = text
    .split('\n')
    .flatMap(messageOf)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !noise.test(line));
  let words = lines.pop() ?? '';
  for (const line of lines.slice(-2).reverse()) {
    if (words.length + line.length + 3 > shownLength) break;
    words = `${line} | ${words}`;
  }
  return words.length > shownLength ? `${words.slice(0, shownLength - 1)}…` : words;
}

/** Time and level before a message of the runtime's text log: an error that comes again is the same error. */
const textHead = /^\[\d{4}-\d{2}-\d{2} [\d:.]+\] ([A-Z]+): /;
const wellLevels = ['DEBUG', 'INFO'];

/** A line that the runtime logs is its message; as JSON it can have several lines. That all goes well is no error's word. */
function messageOf(line: string): string[] {
  const [head, level = ''] = textHead.exec(line) ?? [];
  if (head !== undefined) return wellLevels.includes(level) ? [] : [line.slice(head.length)];
  if (!line.startsWith('{')) return [line];
  try {
    const { msg, level: told } = JSON.parse(line) as { msg?: unknown; level?: unknown };
    if (typeof msg !== 'string') return [line];
    return wellLevels.includes(String(told)) ? [] : msg.split('\n');
  } catch {
    return [line]; // a line of somebody else's
  }
}
