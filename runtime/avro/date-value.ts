import type { AvroType, LogicalType } from '../../lib/topology/avro/avro-type';

const dayMs = 86_400_000;

/** Whether a type takes Dates. */
export function takesDates(type: AvroType): boolean {
  return type.kind === 'primitive' && /^timestamp-|^date$/.test(type.logical?.name ?? '');
}

/** A Date as the number of a logical type, or undefined if the type does not take it. */
export function dateValue(date: Date, logical: LogicalType | undefined): number | bigint | undefined {
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
