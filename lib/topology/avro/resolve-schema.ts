import {
  type AvroField,
  type AvroPrimitive,
  type AvroType,
  describeAvroType,
  type EnumType,
  type LogicalType,
  type RecordType,
  type UnionType,
} from './avro-type';
import { readAvroType } from './avro-type-reader';
import { haveSameStructure, PairMap } from './same-structure';

/** A field of the reader's schema that cannot read data of the writer's schema. */
export interface SchemaConflict {
  /** The reader's field, as in `address.zip`, `tags[]` or `attributes{}`; empty for the schema as a whole. */
  readonly path: string;
  readonly message: string;
}

/** How data of one type is read as another. The graph has a cycle where both types contain themselves. */
export type Resolution =
  | {
      readonly kind: 'primitive';
      readonly from: AvroPrimitive;
      readonly to: AvroPrimitive;
      /** Of the reader. */
      readonly logical?: LogicalType;
    }
  | { readonly kind: 'fixed'; readonly size: number; readonly logical?: LogicalType }
  /** The reader's symbol for each of the writer's. */
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array'; readonly items: Resolution; readonly written: AvroType }
  | { readonly kind: 'map'; readonly values: Resolution }
  /** One for each of the writer's branches. */
  | { readonly kind: 'union'; readonly branches: readonly Resolution[] }
  | RecordResolution;

export interface RecordResolution {
  readonly kind: 'record';
  readonly written: RecordType;
  readonly reader: RecordType;
  /** The reader's fields in its order, each with the index of the writer's field; without one, it takes its default. */
  readonly fields: readonly { readonly field: AvroField; readonly source?: FieldSource }[];
}

interface FieldSource {
  readonly index: number;
  readonly resolution: Resolution;
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
export function schemaConflicts(writer: unknown, reader: unknown): readonly SchemaConflict[] {
  return typeConflicts(readAvroType(writer).type, readAvroType(reader).type);
}

/** Like `schemaConflicts`, for types that are already read. */
export function typeConflicts(writer: AvroType, reader: AvroType): readonly SchemaConflict[] {
  const resolved = resolveTypes(writer, reader);
  return 'conflicts' in resolved ? resolved.conflicts : [];
}

/**
 * Resolves data of the writer's type to the reader's, by structure.
 *
 * I1. Of a reader's union, the branch of the same name is taken if it resolves, then the one of the same structure, then the
 *     first of the same kind that resolves, then the first that the writer's type is promoted to. So reading a type by
 *     itself changes nothing.
 * I2. A pair of records that contains itself resolves if the rest does. Whether the rest does is known only at its end, so
 *     passes repeat with the pairs that failed until no further pair fails.
 */
export function resolveTypes(
  writer: AvroType,
  reader: AvroType,
): { readonly resolution: Resolution } | { readonly conflicts: readonly SchemaConflict[] } {
  const failed = new PairMap<true>();
  for (;;) {
    const before = failed.size;
    const { resolution, conflicts } = new Pass(failed).resolve(writer, reader);
    if (failed.size > before) continue; // I2
    if (resolution !== undefined && conflicts.length === 0) return { resolution };
    const own = conflicts.filter((conflict) => conflict.repeats !== true);
    return { conflicts: own.length === 0 ? mismatch(writer, reader) : own };
  }
}

interface Conflict extends SchemaConflict {
  /** Set for a pair inside itself, whose conflicts are reported where it begins. */
  readonly repeats?: true;
}

interface Outcome {
  readonly resolution?: Resolution;
  readonly conflicts: readonly Conflict[];
}

class Pass {
  private readonly known = new PairMap<Outcome>();

  constructor(private readonly failed: PairMap<true>) {}

  resolve(writer: AvroType, reader: AvroType): Outcome {
    if (writer.kind === 'union') return this.resolveWrittenUnion(writer, reader);
    switch (reader.kind) {
      case 'union':
        return this.resolveToUnion(writer, reader);
      case 'record':
        return writer.kind === 'record' ? this.resolveRecords(writer, reader) : unlike(writer, reader);
      case 'array': {
        if (writer.kind !== 'array') return unlike(writer, reader);
        const { resolution, conflicts } = this.resolve(writer.items, reader.items);
        return resolution === undefined || conflicts.length > 0
          ? { conflicts: below('[]', conflicts) }
          : { resolution: { kind: 'array', items: resolution, written: writer.items }, conflicts: [] };
      }
      case 'map': {
        if (writer.kind !== 'map') return unlike(writer, reader);
        const { resolution, conflicts } = this.resolve(writer.values, reader.values);
        return resolution === undefined || conflicts.length > 0
          ? { conflicts: below('{}', conflicts) }
          : { resolution: { kind: 'map', values: resolution }, conflicts: [] };
      }
      case 'enum':
        return writer.kind === 'enum' ? resolveEnums(writer, reader) : unlike(writer, reader);
      case 'fixed':
        return writer.kind === 'fixed' &&
          writer.size === reader.size &&
          areAlikeDecimals(writer.logical, reader.logical)
          ? { resolution: { kind: 'fixed', size: writer.size, ...logicalOf(reader) }, conflicts: [] }
          : unlike(writer, reader);
      case 'primitive':
        return writer.kind === 'primitive' &&
          isTaken(writer.name, reader.name) &&
          areAlikeDecimals(writer.logical, reader.logical)
          ? {
              resolution: { kind: 'primitive', from: writer.name, to: reader.name, ...logicalOf(reader) },
              conflicts: [],
            }
          : unlike(writer, reader);
    }
  }

  /** The reader must be able to read every branch of the writer's union. */
  private resolveWrittenUnion(writer: UnionType, reader: AvroType): Outcome {
    const branches: Resolution[] = [];
    const conflicts: Conflict[] = [];
    for (const branch of writer.branches) {
      const found = this.resolve(branch, reader);
      if (found.resolution !== undefined) branches.push(found.resolution);
      if (!found.conflicts.some(({ path, repeats }) => path === '' && repeats !== true))
        conflicts.push(...found.conflicts);
      else conflicts.push(...mismatch(writer, reader, `, which cannot read ${describeAvroType(branch)}`));
    }
    return conflicts.length > 0 ? { conflicts } : { resolution: { kind: 'union', branches }, conflicts };
  }

  private resolveToUnion(writer: AvroType, reader: UnionType): Outcome {
    const exact = reader.branches.filter((branch) => haveSameStructure(writer, branch));
    const alike = reader.branches.filter((branch) => isSameKind(writer, branch));
    const namesakes = alike.filter((branch) => 'fields' in writer && 'fields' in branch && branch.name === writer.name);
    for (const branch of [...namesakes, ...exact, ...alike, ...reader.branches]) {
      const found = this.resolve(writer, branch);
      if (found.conflicts.length === 0) return found; // I1
    }
    const [only, ...others] = alike;
    if (only === undefined || others.length > 0 || only.kind === 'primitive') return unlike(writer, reader);
    return { conflicts: this.resolve(writer, only).conflicts };
  }

  private resolveRecords(writer: RecordType, reader: RecordType): Outcome {
    const known = this.known.get(writer, reader);
    if (known !== undefined) return known;
    const fields: { field: AvroField; source?: FieldSource }[] = [];
    const resolution: Resolution = { kind: 'record', written: writer, reader, fields };
    const hasFailed = this.failed.get(writer, reader) === true;
    const repeated: Conflict = { path: '', message: 'a part of itself', repeats: true };
    this.known.set(writer, reader, hasFailed ? { conflicts: [repeated] } : { resolution, conflicts: [] }); // I2
    const conflicts = reader.fields.flatMap((field) => {
      const source = sourceOf(field, writer.fields);
      if (source === undefined) {
        fields.push({ field });
        const message = 'the writer has no such field, and the reader has no default';
        return field.default === undefined ? [{ path: field.name, message }] : [];
      }
      const found = this.resolve(source.type, field.type);
      const index = writer.fields.indexOf(source);
      if (found.resolution !== undefined) fields.push({ field, source: { index, resolution: found.resolution } });
      return below(field.name, found.conflicts);
    });
    if (conflicts.length > 0) this.failed.set(writer, reader, true);
    const outcome = conflicts.length > 0 ? { conflicts } : { resolution, conflicts };
    this.known.set(writer, reader, outcome);
    return outcome;
  }
}

/**
 * Whether a sink's schema is a placeholder for these records: it names none of their fields and does not resolve. Such a
 * sink gets the records as written, and `lint` warns.
 */
export function isPlaceholder(writer: AvroType, reader: AvroType): boolean {
  if (writer.kind !== 'record' || reader.kind !== 'record') return false;
  if (reader.fields.some((field) => sourceOf(field, writer.fields) !== undefined)) return false;
  return typeConflicts(writer, reader).length > 0;
}

/** The writer's field that provides the value of a reader's field, by its name or one of its aliases. */
function sourceOf(field: AvroField, writers: readonly AvroField[]): AvroField | undefined {
  return writers.find(({ name }) => name === field.name) ?? writers.find(({ name }) => field.aliases.includes(name));
}

function isSameKind(writer: AvroType, reader: AvroType): boolean {
  return writer.kind === reader.kind && (writer.kind !== 'primitive' || writer.name === (reader as typeof writer).name);
}

function isTaken(writer: AvroPrimitive, reader: AvroPrimitive): boolean {
  return writer === reader || (promotions[reader]?.includes(writer) ?? false);
}

function logicalOf({ logical }: { readonly logical?: LogicalType }): { readonly logical?: LogicalType } {
  return logical === undefined ? {} : { logical };
}

/** Two decimals must have the same scale and precision: otherwise, the same bytes are different numbers. */
function areAlikeDecimals(writer: LogicalType | undefined, reader: LogicalType | undefined): boolean {
  if (writer?.name !== 'decimal' || reader?.name !== 'decimal') return true;
  return writer.scale === reader.scale && writer.precision === reader.precision;
}

function resolveEnums(writer: EnumType, reader: EnumType): Outcome {
  const missing = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol));
  const { default: fallback } = reader;
  if (missing.length > 0 && fallback === undefined) {
    const message = `the writer's enum has ${missing.join(', ')}, which the reader's lacks without a default`;
    return { conflicts: [{ path: '', message }] };
  }
  const symbols = writer.symbols.map((symbol) => (missing.includes(symbol) ? (fallback ?? symbol) : symbol));
  return { resolution: { kind: 'enum', symbols }, conflicts: [] };
}

/** Conflicts with a step in front of their paths: the name of a field, `[]` or `{}`. */
function below(step: string, conflicts: readonly Conflict[]): readonly Conflict[] {
  return conflicts.map(({ path, ...rest }) => {
    const joint = path === '' || path.startsWith('[') || path.startsWith('{') ? '' : '.';
    return { ...rest, path: `${step}${joint}${path}` };
  });
}

function unlike(writer: AvroType, reader: AvroType): Outcome {
  return { conflicts: mismatch(writer, reader) };
}

function mismatch(writer: AvroType, reader: AvroType, more = ''): readonly SchemaConflict[] {
  const message = `the writer has ${describeAvroType(writer)}, the reader ${describeAvroType(reader)}${more}`;
  return [{ path: '', message }];
}
