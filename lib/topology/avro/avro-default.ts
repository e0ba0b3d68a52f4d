import { isPlainMap } from '../../plain-map';
import type { AvroType } from './avro-type';

/** Whether a JSON value is a valid default of a field of this type. Defaults of a union have the type of its first branch. */
export function isAvroDefault(type: AvroType, value: unknown): boolean {
  switch (type.kind) {
    case 'primitive':
      return isPrimitiveDefault(type.name, value);
    case 'union':
      return type.branches[0] !== undefined && isAvroDefault(type.branches[0], value);
    case 'array':
      return Array.isArray(value) && value.every((item) => isAvroDefault(type.items, item));
    case 'map':
      return isPlainMap(value) && Object.values(value).every((item) => isAvroDefault(type.values, item));
    case 'enum':
      return type.symbols.includes(String(value));
    case 'fixed':
      return typeof value === 'string' && value.length === type.size;
    case 'record':
      return (
        isPlainMap(value) &&
        type.fields.every((field) =>
          value[field.name] === undefined ? field.hasDefault : isAvroDefault(field.type, value[field.name]),
        )
      );
  }
}

function isPrimitiveDefault(name: (AvroType & { kind: 'primitive' })['name'], value: unknown): boolean {
  switch (name) {
    case 'null':
      return value === null;
    case 'boolean':
      return typeof value === 'boolean';
    case 'int':
      return Number.isInteger(value) && Math.abs(Number(value) + 0.5) < 2 ** 31;
    case 'long':
      return Number.isSafeInteger(value);
    case 'float':
    case 'double':
      return typeof value === 'number';
    case 'bytes':
    case 'string':
      return typeof value === 'string';
  }
}
