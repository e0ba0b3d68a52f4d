import type { AvroType, LogicalType } from '../../lib/topology/avro/avro-type';
import { Decimal, Duration } from '../../lib/topology/avro/logical-values';
import { MalformedError } from './byte-reader';
import { Shape } from './value-shape';

type Logical = { readonly [Name in LogicalType['name']]: Extract<LogicalType, { readonly name: Name }> };

const dayMs = 86_400_000;
/** A Date is at most this far from 1970. */
const maxDateMs = 8_640_000_000_000_000;

/** The shape of the objects that a type takes by its logical type, beside the values of its base type. */
export function logicalShapeOf(type: AvroType): Shape | undefined {
  const logical = logicalOf(type);
  if (logical === undefined) return undefined;
  if (/^timestamp-|^date$/.test(logical.name)) return Shape.date;
  if (logical.name === 'decimal') return Shape.decimal;
  return logical.name === 'duration' ? Shape.duration : undefined;
}

/** An object of the type's `logicalShapeOf` as a value of the base type; undefined if the type cannot hold it exactly. */
export function baseValue(value: object, type: AvroType): number | bigint | Uint8Array | undefined {
  const logical = logicalOf(type);
  if (logical?.name === 'decimal') {
    return decimalBytes(value as Decimal, logical, type.kind === 'fixed' ? type.size : undefined);
  }
  return logical?.name === 'duration' ? durationBytes(value as Duration) : dateValue(value as Date, logical);
}

/**
 * The name of the function below that makes the value of a logical type from that of its base type; undefined for types
 * whose values stay those of the base type.
 */
export function nativeOf(logical: LogicalType | undefined): keyof typeof natives | undefined {
  switch (logical?.name) {
    case 'timestamp-millis':
      return 'instant';
    case 'date':
      return 'day';
    case 'timestamp-micros':
    case 'timestamp-nanos':
    case 'local-timestamp-micros':
    case 'local-timestamp-nanos':
      return 'bigint';
    case 'decimal':
      return 'decimal';
    case 'duration':
      return 'duration';
    default:
      return undefined;
  }
}

/** The values of logical types. Each throws MalformedError for a value of the base type that it cannot hold. */
export const natives = {
  instant: (ms: number | bigint) => dateOf(Number(ms), `the timestamp-millis ${ms}`),
  day: (days: number) => dateOf(days * dayMs, `the date ${days}`),
  bigint: (value: number | bigint) => BigInt(value),
  decimal: (bytes: Uint8Array, { precision, scale }: Logical['decimal']) => {
    const decimal = decimalOf(bytes, scale);
    if (digitsOf(decimal.unscaled) <= precision) return decimal;
    throw new MalformedError(`a decimal of precision ${precision} has ${digitsOf(decimal.unscaled)} digits`);
  },
  duration: (bytes: Buffer) => new Duration(bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readUInt32LE(8)),
} as const;

/** The decimal that the bytes of its base type stand for. */
export function decimalOf(bytes: Uint8Array, scale: number): Decimal {
  const unsigned = bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  return new Decimal(BigInt.asIntN(bytes.length * 8, unsigned), scale);
}

export function logicalOf(type: AvroType): LogicalType | undefined {
  return type.kind === 'primitive' || type.kind === 'fixed' ? type.logical : undefined;
}

function dateOf(ms: number, what: string): Date {
  if (Math.abs(ms) > maxDateMs) throw new MalformedError(`${what} is beyond the years of a Date`);
  return new Date(ms);
}

/** A Date as the number of a logical type, or undefined if the type does not take it. */
function dateValue(date: Date, logical: LogicalType | undefined): number | bigint | undefined {
  const ms = Date.prototype.getTime.call(date);
  if (Number.isNaN(ms)) return undefined;
  switch (logical?.name) {
    case 'timestamp-millis':
      return ms;
    case 'timestamp-micros':
      return BigInt(ms) * 1_000n;
    case 'timestamp-nanos':
      return inLong(BigInt(ms) * 1_000_000n);
    case 'date':
      return ms % dayMs === 0 ? ms / dayMs : undefined;
    default:
      return undefined;
  }
}

/** Nanoseconds since 1970 fit in a long from 1677 to 2262. */
function inLong(value: bigint): bigint | undefined {
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/** The fewest bytes of the number, or `size` of them. */
function decimalBytes(
  value: Decimal,
  { precision, scale }: Logical['decimal'],
  size: number | undefined,
): Uint8Array | undefined {
  const unscaled = rescaled(value, scale);
  if (unscaled === undefined || digitsOf(unscaled) > precision) return undefined;
  const bits = (unscaled < 0n ? ~unscaled : unscaled).toString(2).length;
  const length = size ?? Math.floor(bits / 8) + 1; // one more bit for the sign
  return Buffer.from(
    BigInt.asUintN(length * 8, unscaled)
      .toString(16)
      .padStart(length * 2, '0'),
    'hex',
  );
}

/** The number times 10 to the power of `scale`; undefined if that is no whole number. */
function rescaled({ unscaled, scale: from }: Decimal, scale: number): bigint | undefined {
  if (from <= scale) return unscaled * 10n ** BigInt(scale - from);
  if (from - scale > digitsOf(unscaled)) return unscaled === 0n ? 0n : undefined;
  const unit = 10n ** BigInt(from - scale);
  return unscaled % unit === 0n ? unscaled / unit : undefined;
}

function digitsOf(unscaled: bigint): number {
  return unscaled === 0n ? 0 : String(unscaled < 0n ? -unscaled : unscaled).length;
}

function durationBytes({ months, days, milliseconds }: Duration): Uint8Array {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32LE(months, 0);
  bytes.writeUInt32LE(days, 4);
  bytes.writeUInt32LE(milliseconds, 8);
  return bytes;
}
