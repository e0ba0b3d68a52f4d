/** An Avro schema as JSON. */
export type AvroSchema = { readonly type: string; readonly [key: string]: unknown };

/** An Avro schema with resolved names: a reference to a record is the record itself, so the graph may have cycles. */
export type AvroType =
  | { readonly kind: 'primitive'; readonly name: AvroPrimitive }
  | { readonly kind: 'record'; readonly name: string; readonly fields: readonly AvroField[] }
  | { readonly kind: 'enum'; readonly name: string; readonly symbols: readonly string[]; readonly hasDefault: boolean }
  | { readonly kind: 'fixed'; readonly name: string; readonly size: number }
  | { readonly kind: 'array'; readonly items: AvroType }
  | { readonly kind: 'map'; readonly values: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] };

export interface AvroField {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly type: AvroType;
  readonly hasDefault: boolean;
}

export const avroPrimitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;
export type AvroPrimitive = (typeof avroPrimitives)[number];

export function isAvroPrimitive(name: unknown): name is AvroPrimitive {
  return (avroPrimitives as readonly unknown[]).includes(name);
}

/** A type in a few words, as messages name it: `string`, `array of long`, `null or string`, `record address`. */
export function describeAvroType(type: AvroType): string {
  switch (type.kind) {
    case 'primitive':
      return type.name;
    case 'array':
      return `array of ${nameOf(type.items)}`;
    case 'map':
      return `map of ${nameOf(type.values)}`;
    case 'union':
      return type.branches.length === 0 ? 'an empty union' : type.branches.map(nameOf).join(' or ');
    case 'fixed':
      return `fixed of ${type.size} bytes`;
    case 'record':
    case 'enum':
      return `${type.kind} ${type.name}`;
  }
}

/** The name of a type without its content, because types may contain themselves. */
function nameOf(type: AvroType): string {
  if (type.kind === 'primitive') return type.name;
  return type.kind === 'record' || type.kind === 'enum' || type.kind === 'fixed'
    ? `${type.kind} ${type.name}`
    : type.kind;
}
