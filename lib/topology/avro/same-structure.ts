import type { AvroType } from './avro-type';

/** Values by a writer's and a reader's type. */
export class PairMap<Value> {
  private readonly values = new Map<AvroType, Map<AvroType, Value>>();
  size = 0;

  get(writer: AvroType, reader: AvroType): Value | undefined {
    return this.values.get(writer)?.get(reader);
  }

  set(writer: AvroType, reader: AvroType, value: Value): void {
    const readers = this.values.get(writer) ?? new Map<AvroType, Value>();
    if (!readers.has(reader)) this.size += 1;
    this.values.set(writer, readers.set(reader, value));
  }
}

/** Whether two types have the same fields, symbols, sizes and primitives, whatever their names. */
export function haveSameStructure(one: AvroType, other: AvroType, seen = new PairMap<true>()): boolean {
  if (one === other) return true;
  switch (one.kind) {
    case 'primitive':
      return other.kind === 'primitive' && one.name === other.name;
    case 'fixed':
      return other.kind === 'fixed' && one.size === other.size;
    case 'enum':
      return other.kind === 'enum' && one.symbols.join() === other.symbols.join();
    case 'array':
      return other.kind === 'array' && haveSameStructure(one.items, other.items, seen);
    case 'map':
      return other.kind === 'map' && haveSameStructure(one.values, other.values, seen);
    case 'union':
      return (
        other.kind === 'union' &&
        one.branches.length === other.branches.length &&
        one.branches.every((branch, at) => haveSameStructure(branch, other.branches[at] ?? other, seen))
      );
    case 'record': {
      if (other.kind !== 'record' || one.fields.length !== other.fields.length) return false;
      if (seen.get(one, other) === true) return true;
      seen.set(one, other, true);
      return one.fields.every((field) => {
        const same = other.fields.find(({ name }) => name === field.name);
        return same !== undefined && haveSameStructure(field.type, same.type, seen);
      });
    }
  }
}
