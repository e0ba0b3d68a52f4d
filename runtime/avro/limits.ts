import { type AvroType, innerTypes } from '../../lib/topology/avro/avro-type';

/** Records that may be nested in one another, the outermost included. Python has the same limit, which its stack bears. */
export const maxNesting = 1000;

/** Items without bytes (nulls, empty records) that all arrays of one value may have: their count alone costs nothing. */
export const maxEmptyItems = 1_000_000;

/** Whether every value of a type has at least one byte. */
export function hasBytes(type: AvroType, seen: Set<AvroType> = new Set()): boolean {
  if (type.kind === 'primitive') return type.name !== 'null';
  if (type.kind === 'fixed') return type.size > 0;
  if (type.kind !== 'record') return true;
  if (seen.has(type)) return false;
  seen.add(type);
  return innerTypes(type).some((inner) => hasBytes(inner, seen));
}
