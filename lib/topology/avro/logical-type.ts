import type { PlainMap } from '../../plain-map';
import type { AvroPrimitive, LogicalType } from './avro-type';

type Base = AvroPrimitive | 'fixed';

/** The types that each logical type annotates. */
const bases = {
  decimal: ['bytes', 'fixed'],
  'big-decimal': ['bytes'],
  uuid: ['string', 'fixed'],
  date: ['int'],
  'time-millis': ['int'],
  'time-micros': ['long'],
  'timestamp-millis': ['long'],
  'timestamp-micros': ['long'],
  'timestamp-nanos': ['long'],
  'local-timestamp-millis': ['long'],
  'local-timestamp-micros': ['long'],
  'local-timestamp-nanos': ['long'],
  duration: ['fixed'],
} as const satisfies { readonly [name in LogicalType['name']]: readonly Base[] };

/** Sizes of the fixed types that have a logical type of one size. */
const sizes: { readonly [name: string]: number } = { uuid: 16, duration: 12 };

/** The logical type of a schema; undefined without one, and for an invalid one, which Avro ignores. */
export function readLogicalType(json: PlainMap, base: Base, size = 0): LogicalType | undefined {
  const { logicalType: name } = json;
  if (typeof name !== 'string' || !Object.hasOwn(bases, name)) return undefined;
  const known = name as LogicalType['name'];
  if (!(bases[known] as readonly Base[]).includes(base)) return undefined;
  if (known === 'decimal') return readDecimal(json, base, size);
  if (base === 'fixed' && sizes[known] !== size) return undefined;
  return { name: known };
}

function readDecimal({ precision, scale = 0 }: PlainMap, base: Base, size: number): LogicalType | undefined {
  if (typeof precision !== 'number' || !Number.isInteger(precision) || precision < 1) return undefined;
  if (typeof scale !== 'number' || !Number.isInteger(scale) || scale < 0 || scale > precision) return undefined;
  if (base === 'fixed' && precision > digitsOf(size)) return undefined;
  return { name: 'decimal', precision, scale };
}

/** The decimal digits that always fit into a signed number of this many bytes. */
function digitsOf(size: number): number {
  return size === 0 ? 0 : Math.floor((size * 8 - 1) * Math.log10(2));
}
