import { StringDecoder } from 'node:string_decoder';

/** Longest piece of text that becomes one entry, in UTF-16 units. A longer line becomes several, in order. */
const maxLength = 16 * 1024;

/**
 * Makes entries of the text that is written: one of each line, or one of the lines of each write. Text without a newline waits for
 * one, for `end`, or until it is as long as an entry may be, so at most one entry is held.
 */
export class Lines {
  private readonly decoder = new StringDecoder('utf8');
  private rest = '';

  constructor(
    private readonly emit: (text: string) => void,
    private readonly per: 'line' | 'write',
  ) {}

  write(chunk: string | Uint8Array): void {
    const text =
      typeof chunk === 'string'
        ? chunk
        : this.decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    const end = text.lastIndexOf('\n');
    if (end < 0) {
      this.hold(text);
      return;
    }
    const lines = this.rest + text.slice(0, end);
    this.rest = '';
    if (this.per === 'line') for (const line of lines.split('\n')) this.send(line.replace(/\r$/, ''));
    else this.send(lines);
    this.hold(text.slice(end + 1));
  }

  /** Makes an entry of the text that is not terminated. */
  end(): void {
    if (this.rest === '') return;
    const { rest } = this;
    this.rest = '';
    this.send(rest);
  }

  private hold(text: string): void {
    this.rest += text;
    if (this.rest.length < maxLength) return;
    const { rest } = this;
    const whole = cutAt(rest, rest.length - (rest.length % maxLength));
    this.rest = '';
    this.send(rest.slice(0, whole));
    this.rest = rest.slice(whole);
  }

  private send(text: string): void {
    for (let at = 0; at === 0 || at < text.length; ) {
      const end = at + maxLength < text.length ? cutAt(text, at + maxLength) : text.length;
      this.emit(text.slice(at, end));
      at = Math.max(end, 1);
    }
  }
}

/** A place to cut at or before this one: not between the halves of a character. */
function cutAt(text: string, place: number): number {
  const code = text.charCodeAt(place - 1);
  return code >= 0xd800 && code < 0xdc00 ? place - 1 : place;
}
