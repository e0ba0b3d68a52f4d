import type { AvroType } from '../../lib/topology/avro/avro-type';
import { maxEmptyItems, maxNesting } from './limits';
import type { Fault } from './misfit';

const minSize = 16 * 1024;
const maxKept = 1024 * 1024;
/** Texts up to this length are tried as ASCII first. */
const shortText = 32;

export interface Mark {
  readonly pos: number;
  readonly depth: number;
  readonly emptyItems: number;
}

/**
 * Writes one value. Each method returns whether it has written the value; a method that returns false may have moved `pos`.
 *
 * I1. Nothing is read twice from a value that fits: what is checked is what is written. Only objects that may be one of
 *     several branches of a union are read again, each time with all checks.
 * I2. After a failure, `fault` says what does not fit; its steps are added by those who called, from the inside out.
 */
export class ByteWriter {
  buffer = Buffer.allocUnsafe(minSize);
  pos = 0;
  depth = 0;
  /** Whether a record must have each of its fields: no default stands for one that is left out. */
  complete = false;
  /** Whether no whole number may be rounded to a float. */
  exact = false;
  fault: Fault | undefined;
  private emptyItems = 0;
  /** Branches that an object does not fit, by `trialOf`. Without it, nested unions of records would be tried exponentially often. */
  private failures: Map<object, Set<number>> | undefined;

  /** Prepares for a value after `header`. */
  start(header: Uint8Array): void {
    if (this.buffer.length > maxKept) this.buffer = Buffer.allocUnsafe(minSize);
    this.buffer.set(header);
    this.pos = header.length;
    this.depth = 0;
    this.complete = false;
    this.exact = false;
    this.fault = undefined;
    this.emptyItems = 0;
    this.failures = undefined;
  }

  /** A copy of what has been written. */
  take(): Uint8Array {
    const bytes = Buffer.allocUnsafe(this.pos); // much faster than slice, which cannot use the pool
    this.buffer.copy(bytes, 0, 0, this.pos);
    return bytes;
  }

  boolean(value: unknown): boolean {
    if (typeof value !== 'boolean') return false;
    this.reserve(1);
    this.buffer[this.pos++] = value ? 1 : 0;
    return true;
  }

  int(value: unknown): boolean {
    if (typeof value === 'bigint') return BigInt.asIntN(32, value) === value && this.small(Number(value));
    return typeof value === 'number' && (value | 0) === value && this.small(value);
  }

  long(value: unknown): boolean {
    if (typeof value === 'number') {
      if ((value | 0) === value) return this.small(value);
      if (!Number.isSafeInteger(value)) return false;
      const high = Math.floor(value / 0x1_0000_0000);
      return this.large(high, value - high * 0x1_0000_0000);
    }
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) return false;
    return this.large(Number(value >> 32n), Number(value & 0xffff_ffffn));
  }

  float(value: unknown): boolean {
    const number = typeof value === 'bigint' ? exactNumber(value, Math.fround) : value;
    if (typeof number !== 'number') return false;
    const stored = Math.fround(number);
    if (Number.isFinite(number) && !Number.isFinite(stored)) return false;
    if (this.exact && stored !== number && Number.isInteger(number)) return false;
    this.reserve(4);
    this.pos = this.buffer.writeFloatLE(number, this.pos);
    return true;
  }

  double(value: unknown): boolean {
    const number = typeof value === 'bigint' ? exactNumber(value, Number) : value;
    if (typeof number !== 'number') return false;
    this.reserve(8);
    this.pos = this.buffer.writeDoubleLE(number, this.pos);
    return true;
  }

  string(value: unknown): boolean {
    if (typeof value !== 'string') return false;
    const { length } = value;
    if (length <= shortText) {
      this.reserve(length + 1);
      const { buffer } = this;
      let at = this.pos;
      buffer[at++] = length * 2;
      let index = 0;
      for (; index < length; index++) {
        const code = value.charCodeAt(index);
        if (code > 0x7f) break;
        buffer[at++] = code;
      }
      if (index === length) {
        this.pos = at;
        return true;
      }
    }
    if (!value.isWellFormed()) return false;
    const size = Buffer.byteLength(value);
    this.count(size);
    this.reserve(size);
    this.pos += this.buffer.write(value, this.pos, size, size === length ? 'latin1' : 'utf8');
    return true;
  }

  bytes(value: unknown): boolean {
    const bytes = bytesOf(value);
    if (bytes === undefined) return false;
    this.count(bytes.length);
    return this.raw(bytes);
  }

  fixed(value: unknown, size: number): boolean {
    const bytes = bytesOf(value);
    return bytes !== undefined && bytes.length === size && this.raw(bytes);
  }

  /** The index of an enum's symbol, if it has one. */
  symbol(index: number | undefined): boolean {
    return index !== undefined && this.small(index);
  }

  raw(bytes: Uint8Array): true {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.pos);
    this.pos += bytes.length;
    return true;
  }

  /** A length, a count of items, or the index of a branch. */
  count(value: number): true {
    return value < 0x4000_0000 ? this.small(value) : this.large(0, value);
  }

  /** Ends the items of an array or a map. */
  end(): true {
    this.reserve(1);
    this.buffer[this.pos++] = 0;
    return true;
  }

  enter(type: AvroType, value: unknown): boolean {
    this.depth += 1;
    return this.depth <= maxNesting || this.miss(value, type, 'too deep');
  }

  /** Counts items that have no bytes. */
  empty(items: number, type: AvroType, value: unknown): boolean {
    this.emptyItems += items;
    return this.emptyItems <= maxEmptyItems || this.miss(value, type, 'too many empty items');
  }

  miss(value: unknown, type: AvroType, reason?: Fault['reason']): false {
    this.fault = { value, type, reason, steps: [] };
    return false;
  }

  /** Adds the place of the value that failed: `.field`, `[2]` or `["key"]`. */
  at(step: string): false {
    this.fault?.steps.push(step);
    return false;
  }

  mark(): Mark {
    return { pos: this.pos, depth: this.depth, emptyItems: this.emptyItems };
  }

  /** Whether an object is known not to fit a branch. */
  hasFailed(value: object, branch: number): boolean {
    return this.failures?.get(value)?.has(this.trialOf(branch)) === true;
  }

  /** Returns to where a branch began that the object does not fit. False if no other branch would fit either. */
  undo(mark: Mark, value: object, branch: number): boolean {
    if (this.fault?.reason === 'too deep') return false;
    this.pos = mark.pos;
    this.depth = mark.depth;
    this.emptyItems = mark.emptyItems;
    this.failures ??= new Map();
    const branches = this.failures.get(value) ?? new Set();
    this.failures.set(value, branches.add(this.trialOf(branch)));
    return true;
  }

  /** A number for the branch and what is asked of the object now. */
  private trialOf(branch: number): number {
    return branch * 4 + (this.complete ? 2 : 0) + (this.exact ? 1 : 0);
  }

  private small(value: number): true {
    this.reserve(5);
    let rest = ((value << 1) ^ (value >> 31)) >>> 0;
    const { buffer } = this;
    while (rest > 0x7f) {
      buffer[this.pos++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    buffer[this.pos++] = rest;
    return true;
  }

  /** Writes a 64-bit integer, given as its signed upper and unsigned lower half. */
  private large(high: number, low: number): true {
    this.reserve(10);
    const sign = high >> 31;
    let upper = ((high << 1) | (low >>> 31)) ^ sign;
    let lower = (low << 1) ^ sign;
    const { buffer } = this;
    while (upper !== 0 || lower >>> 0 > 0x7f) {
      buffer[this.pos++] = (lower & 0x7f) | 0x80;
      lower = (lower >>> 7) | (upper << 25);
      upper >>>= 7;
    }
    buffer[this.pos++] = lower;
    return true;
  }

  private reserve(size: number): void {
    if (this.pos + size <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.pos + size));
    larger.set(this.buffer.subarray(0, this.pos));
    this.buffer = larger;
  }
}

/** A bigint as a number, if the number is the same. */
function exactNumber(value: bigint, round: (value: number) => number): number | undefined {
  const number = round(Number(value));
  return Number.isFinite(number) && BigInt(number) === value ? number : undefined;
}

function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (!ArrayBuffer.isView(value)) return undefined;
  const isBytes = value instanceof DataView || (value as Partial<Uint8Array>).BYTES_PER_ELEMENT === 1;
  return isBytes ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : undefined;
}
