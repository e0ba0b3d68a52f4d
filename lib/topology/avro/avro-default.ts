import { isPlainMap } from '../../plain-map';
import type { AvroField, AvroPrimitive, AvroType, RecordType } from './avro-type';

/** Limit of the values that a default may expand to, because defaults of records take the defaults of their fields. */
const maxValues = 10_000;

/**
 * Whether a JSON value is a valid default of a field of this type. Integers beyond 2^53 are bigints. A default of a union
 * is one of the first branch that it fits. A default that contains itself is not valid.
 */
export function isAvroDefault(type: AvroType, json: unknown): boolean {
  return new DefaultCheck().fits(type, json);
}

/** The index of the branch that a default of a union has; -1 if no branch fits. */
export function branchOfDefault(branches: readonly AvroType[], json: unknown): number {
  return branches.findIndex((branch) => isAvroDefault(branch, json));
}

class DefaultCheck {
  private values = 0;
  /** Fields whose default is being expanded. */
  private readonly open = new Set<AvroField>();

  fits(type: AvroType, json: unknown): boolean {
    this.values += 1;
    if (this.values > maxValues) return false;
    switch (type.kind) {
      case 'primitive':
        return isPrimitiveDefault(type.name, json);
      case 'union':
        return type.branches.some((branch) => this.fits(branch, json));
      case 'array':
        return Array.isArray(json) && json.every((item) => this.fits(type.items, item));
      case 'map':
        return (
          isPlainMap(json) && Object.entries(json).every(([key, item]) => isText(key) && this.fits(type.values, item))
        );
      case 'enum':
        return typeof json === 'string' && type.symbols.includes(json);
      case 'fixed':
        return isByteText(json) && json.length === type.size;
      case 'record':
        return isPlainMap(json) && this.fitsRecord(type, json);
    }
  }

  private fitsRecord(type: RecordType, json: { readonly [field: string]: unknown }): boolean {
    return type.fields.every((field) =>
      Object.hasOwn(json, field.name) ? this.fits(field.type, json[field.name]) : this.expands(field),
    );
  }

  private expands(field: AvroField): boolean {
    if (field.default === undefined || this.open.has(field)) return false;
    this.open.add(field);
    const fits = this.fits(field.type, field.default.json);
    this.open.delete(field);
    return fits;
  }
}

function isPrimitiveDefault(name: AvroPrimitive, json: unknown): boolean {
  switch (name) {
    case 'null':
      return json === null;
    case 'boolean':
      return typeof json === 'boolean';
    case 'int':
      return Number.isInteger(json) && Math.abs(Number(json) + 0.5) < 2 ** 31;
    case 'long':
      return typeof json === 'bigint' ? BigInt.asIntN(64, json) === json : Number.isSafeInteger(json);
    case 'float':
      return isNumber(json) && Number.isFinite(Math.fround(Number(json)));
    case 'double':
      return isNumber(json) && Number.isFinite(Number(json));
    case 'bytes':
      return isByteText(json);
    case 'string':
      return typeof json === 'string' && isText(json);
  }
}

function isNumber(json: unknown): boolean {
  return typeof json === 'number' || typeof json === 'bigint';
}

/** Bytes in a default are text with one character, U+0000 to U+00FF, per byte. */
function isByteText(json: unknown): json is string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a byte may be any of them
  return typeof json === 'string' && /^[\u0000-\u00ff]*$/.test(json);
}

/** Text with a lone surrogate is not UTF-8. */
function isText(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
