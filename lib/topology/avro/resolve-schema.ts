import { type AvroField, type AvroPrimitive, type AvroSchema, type AvroType, describeAvroType } from './avro-type';
import { readAvroType } from './avro-type-reader';

/** A field of the reader's schema that cannot read data of the writer's schema. */
export interface SchemaConflict {
  /** The reader's field, as in `address.zip`, `tags[]` or `attributes{}`; empty for the schema as a whole. */
  readonly path: string;
  readonly message: string;
}

/** Types of the writer that a reader of each type promotes. */
const promotions: { readonly [reader in AvroPrimitive]?: readonly AvroPrimitive[] } = {
  long: ['int'],
  float: ['int', 'long'],
  double: ['int', 'long', 'float'],
  string: ['bytes'],
  bytes: ['string'],
};

/**
 * The conflicts that prevent records of the writer's schema from being resolved to the reader's, by Avro's rules of schema
 * resolution. Names of records, enums and fixed types need not match. Both schemas must be valid.
 */
export function schemaConflicts(writer: AvroSchema, reader: AvroSchema): readonly SchemaConflict[] {
  return typeConflicts(readAvroType(writer).type, readAvroType(reader).type);
}

/** Like `schemaConflicts`, for types that are already read. */
export function typeConflicts(writer: AvroType, reader: AvroType): readonly SchemaConflict[] {
  return new Resolution().conflicts(writer, reader, '');
}

class Resolution {
  /** Pairs that are compared or being compared: a type that contains itself resolves if the rest does. */
  private readonly seen = new Map<AvroType, Set<AvroType>>();

  conflicts(writer: AvroType, reader: AvroType, path: string): readonly SchemaConflict[] {
    if (writer.kind === 'union') {
      return writer.branches.flatMap((branch) => this.branchConflicts(branch, { writer, reader, path }));
    }
    switch (reader.kind) {
      case 'union':
        return this.unionConflicts(writer, reader, path);
      case 'record':
        return writer.kind === 'record' ? this.recordConflicts(writer, reader, path) : mismatch(writer, reader, path);
      case 'array':
        return writer.kind === 'array'
          ? this.conflicts(writer.items, reader.items, `${path}[]`)
          : mismatch(writer, reader, path);
      case 'map':
        return writer.kind === 'map'
          ? this.conflicts(writer.values, reader.values, `${path}{}`)
          : mismatch(writer, reader, path);
      case 'enum':
        return writer.kind === 'enum' ? enumConflicts(writer, reader, path) : mismatch(writer, reader, path);
      case 'fixed':
        return writer.kind === 'fixed' && writer.size === reader.size ? [] : mismatch(writer, reader, path);
      case 'primitive':
        return isTaken(writer, reader.name) ? [] : mismatch(writer, reader, path);
    }
  }

  /** The reader must be able to read every branch of the writer's union. */
  private branchConflicts(
    branch: AvroType,
    whole: { writer: AvroType; reader: AvroType; path: string },
  ): readonly SchemaConflict[] {
    const found = this.conflicts(branch, whole.reader, whole.path);
    if (!found.some((conflict) => conflict.path === whole.path)) return found;
    return mismatch(whole.writer, whole.reader, whole.path, `, which cannot read ${describeAvroType(branch)}`);
  }

  private unionConflicts(
    writer: AvroType,
    reader: AvroType & { kind: 'union' },
    path: string,
  ): readonly SchemaConflict[] {
    const attempts = reader.branches.map((branch) => ({ branch, found: this.attempt(writer, branch, path) }));
    if (attempts.some(({ found }) => found.length === 0)) return [];
    const alike = attempts.filter(({ branch }) => branch.kind === writer.kind && branch.kind !== 'primitive');
    return alike.length === 1 && alike[0] !== undefined ? alike[0].found : mismatch(writer, reader, path);
  }

  /** A failed branch must not count as resolved. */
  private attempt(writer: AvroType, branch: AvroType, path: string): readonly SchemaConflict[] {
    const found = this.conflicts(writer, branch, path);
    if (found.length > 0) this.seen.get(writer)?.delete(branch);
    return found;
  }

  private recordConflicts(
    writer: AvroType & { kind: 'record' },
    reader: AvroType & { kind: 'record' },
    path: string,
  ): readonly SchemaConflict[] {
    const compared = this.seen.get(writer) ?? new Set();
    if (compared.has(reader)) return [];
    this.seen.set(writer, compared.add(reader));
    return reader.fields.flatMap((field) => {
      const at = path === '' ? field.name : `${path}.${field.name}`;
      const source = sourceOf(field, writer.fields);
      if (source !== undefined) return this.conflicts(source.type, field.type, at);
      if (field.hasDefault) return [];
      return [{ path: at, message: `the writer has no such field, and the reader has no default` }];
    });
  }
}

/** The writer's field that provides the value of a reader's field, by its name or one of its aliases. */
export function sourceOf(field: AvroField, writers: readonly AvroField[]): AvroField | undefined {
  return writers.find(({ name }) => name === field.name) ?? writers.find(({ name }) => field.aliases.includes(name));
}

function isTaken(writer: AvroType, reader: AvroPrimitive): boolean {
  if (writer.kind !== 'primitive') return false;
  return writer.name === reader || (promotions[reader]?.includes(writer.name) ?? false);
}

function enumConflicts(
  writer: AvroType & { kind: 'enum' },
  reader: AvroType & { kind: 'enum' },
  path: string,
): readonly SchemaConflict[] {
  const missing = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol));
  if (missing.length === 0 || reader.hasDefault) return [];
  return [{ path, message: `the writer's enum has ${missing.join(', ')}, which the reader's lacks without a default` }];
}

function mismatch(writer: AvroType, reader: AvroType, path: string, more = ''): readonly SchemaConflict[] {
  const message = `the writer has ${describeAvroType(writer)}, the reader ${describeAvroType(reader)}${more}`;
  return [{ path, message }];
}
