import { readAvroType } from '../topology/avro/avro-type-reader';
import { typeConflicts } from '../topology/avro/resolve-schema';
import type { DeclaredFunction } from './flow-declarations';
import type { FlowOutput } from './flow-output';

/** Faults of a function that the document cannot show: values in `meta` that are not JSON, and inputs that do not fit. */
export function functionFaults(declared: DeclaredFunction): readonly string[] {
  return [...jsonFaults(declared.options.meta ?? {}, 'meta'), ...inputFaults(declared)];
}

/**
 * Conflicts between the type that a process reads and those of its inputs. TypeScript does not check types that are given
 * as schemas, and the document does not contain the type that a process reads.
 */
function inputFaults({ from, reads }: DeclaredFunction): readonly string[] {
  if (reads === undefined) return [];
  const { type, faults } = readAvroType(reads);
  if (faults.length > 0) return faults.map(({ field, message }) => `the type it reads: ${atField(field, message)}`);
  return from.flatMap(({ place }) =>
    place.schemas.flatMap((writer) =>
      typeConflicts(readAvroType(writer).type, type).map(
        ({ path, message }) => `cannot read what ${nameOf(place)} writes: ${atField(path, message)}`,
      ),
    ),
  );
}

function nameOf({ functionId, sideId }: FlowOutput['place']): string {
  return sideId === undefined ? `"${functionId}"` : `side output "${sideId}" of "${functionId}"`;
}

function atField(field: string, message: string): string {
  return field === '' ? message : `${field}: ${message}`;
}

/** Each value that JSON cannot represent, with its path. */
function jsonFaults(value: unknown, path: string, above: readonly unknown[] = []): readonly string[] {
  const fault = jsonFault(value, above);
  if (fault !== undefined) return [`${path} is ${fault}, which JSON cannot represent; use plain values`];
  if (typeof value !== 'object' || value === null) return [];
  const inside = [...above, value];
  if (Array.isArray(value)) return value.flatMap((item, index) => jsonFaults(item, `${path}[${index}]`, inside));
  return Object.entries(value).flatMap(([key, inner]) =>
    // JSON omits keys without a value
    inner === undefined ? [] : jsonFaults(inner, `${path}.${key}`, inside),
  );
}

function jsonFault(value: unknown, above: readonly unknown[]): string | undefined {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value === undefined) return 'undefined';
  if (['bigint', 'function', 'symbol'].includes(typeof value)) return `a ${typeof value}`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  if (above.includes(value)) return 'a part of itself';
  const prototype: unknown = Object.getPrototypeOf(value);
  // the prototype of plain objects of another realm is a different object, but also has no prototype
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain ? undefined : `a ${value.constructor.name}`;
}
