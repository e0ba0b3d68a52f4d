import { maxEmptyItems, maxNesting } from './limits';

/** A message that its schema does not describe. */
export class MalformedError extends Error {}

/** What `Buffer.toString` calls; most texts of records are so short that the call in between counts. */
interface Utf8Slice {
  utf8Slice(start: number, end: number): string;
}

/** Reads one value. Each method throws MalformedError when the bytes are not what its name says. */
export class ByteReader {
  private depth = 0;
  private emptyItems = 0;

  private readonly buffer: Buffer & Utf8Slice;

  constructor(
    buffer: Buffer,
    public pos: number,
  ) {
    this.buffer = buffer as Buffer & Utf8Slice;
  }

  /** Throws unless all bytes have been read. */
  finish(): void {
    if (this.pos !== this.buffer.length) throw new MalformedError(`${this.buffer.length - this.pos} unread bytes`);
  }

  boolean(): boolean {
    const byte = this.byte();
    if (byte > 1) throw new MalformedError(`a boolean is 0 or 1, not ${byte}`);
    return byte === 1;
  }

  int(): number {
    const byte = this.byte();
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    this.pos -= 1;
    const value = this.long();
    if (typeof value === 'bigint' || (value | 0) !== value) throw new MalformedError(`${value} is beyond an int`);
    return value;
  }

  /** A number up to 2^53 - 1, and a bigint beyond. */
  long(): number | bigint {
    let byte = this.byte();
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let low = byte & 0x7f;
    for (let shift = 7; shift < 28; shift += 7) {
      byte = this.byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    let middle = 0;
    for (let shift = 0; shift < 28 && byte >= 0x80; shift += 7) {
      byte = this.byte();
      middle |= (byte & 0x7f) << shift;
    }
    let top = 0;
    if (byte >= 0x80) {
      byte = this.byte();
      top = byte & 0x7f;
      if (byte >= 0x80) {
        byte = this.byte();
        if (byte > 1) throw new MalformedError('a long has more than 64 bits');
        top |= byte << 7;
      }
    }
    return unzigzag((middle >>> 4) | (top << 24), low | (middle << 28));
  }

  float(): number {
    const at = this.skip(4);
    return this.buffer.readFloatLE(at);
  }

  double(): number {
    const at = this.skip(8);
    return this.buffer.readDoubleLE(at);
  }

  string(): string {
    const size = this.length();
    const at = this.skip(size);
    const text = this.buffer.utf8Slice(at, at + size);
    // what is not UTF-8 is decoded as U+FFFD
    if (text.includes('\ufffd')) assertUtf8(this.buffer.subarray(at, at + size));
    return text;
  }

  /** A copy, because the message's memory is used again. */
  bytes(): Buffer {
    return this.fixed(this.length());
  }

  fixed(size: number): Buffer {
    const at = this.skip(size);
    return Buffer.from(this.buffer.subarray(at, at + size));
  }

  /** The index of a union's branch or of an enum's symbol. */
  index(count: number): number {
    const index = this.int();
    if (index < 0 || index >= count) throw new MalformedError(`no branch or symbol ${index} of ${count}`);
    return index;
  }

  /** The number of items in the next block of an array or a map; 0 at its end. */
  block(hasBytes: boolean): number {
    let count = this.long();
    if (count === 0) return 0;
    if (count < 0) {
      this.long(); // the block's size in bytes
      count = -count;
    }
    if (hasBytes) {
      if (count > this.buffer.length - this.pos)
        throw new MalformedError(`${count} items are more than the bytes left`);
    } else {
      if (count > maxEmptyItems - this.emptyItems)
        throw new MalformedError(`more than ${maxEmptyItems} items without bytes`);
      this.emptyItems += Number(count);
    }
    return Number(count);
  }

  enter(): void {
    this.depth += 1;
    if (this.depth > maxNesting) throw new MalformedError(`nested deeper than ${maxNesting} records`);
  }

  leave(): void {
    this.depth -= 1;
  }

  /** Moves over bytes and returns where they begin. */
  skip(size: number): number {
    const at = this.pos;
    if (size > this.buffer.length - at) throw new MalformedError('unexpected end');
    this.pos = at + size;
    return at;
  }

  length(): number {
    const length = this.long();
    if (length < 0) throw new MalformedError('a negative length');
    if (length > this.buffer.length - this.pos) throw new MalformedError('unexpected end');
    return Number(length);
  }

  private byte(): number {
    const byte = this.buffer[this.pos];
    if (byte === undefined) throw new MalformedError('unexpected end');
    this.pos += 1;
    return byte;
  }
}

/** The integer of which the two halves are the zigzag form. */
function unzigzag(upper: number, lower: number): number | bigint {
  const sign = -(lower & 1);
  const high = (upper >>> 1) ^ sign;
  const low = ((lower >>> 1) | (upper << 31)) ^ sign;
  const value = high * 0x1_0000_0000 + (low >>> 0);
  return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low >>> 0);
}

function assertUtf8(bytes: Uint8Array): void {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new MalformedError('a text is not UTF-8', { cause: error });
  }
}
