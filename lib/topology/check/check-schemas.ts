import type { AvroType } from '../avro/avro-type';
import { canonicalForm, differInDecimals } from '../avro/canonical-form';
import type { SchemaFault } from '../avro/read-avro-schema';
import { isPlaceholder, type SchemaConflict, typeConflicts } from '../avro/resolve-schema';
import type { Draft, DraftFunction } from '../document/draft';
import type { DraftGraph, ResolvedEdge } from '../document/draft-graph';
import { withArticle } from '../function-types/function-type';
import type { DocumentPath } from '../problem/problem';
import type { ProblemList } from '../read/problem-list';
import { implicitTypeOf, type Writer, WrittenSchemas } from './written-schemas';

/** Checks that every schema is valid Avro, and that a schema exists where the records have no other description. */
export function checkSchemas(draft: Draft, problems: ProblemList): void {
  for (const each of draft.functions) {
    addFaults(each.schemaFaults, [...each.path, 'schema'], problems);
    if (each.descriptor?.schema === 'required' && each.raw.schema === undefined) {
      const message = `${withArticle(each.type)} needs the Avro schema of its records; add "schema"`;
      problems.add({ code: 'schema-missing', path: each.path, message });
    }
    for (const side of each.sideOuts) {
      addFaults(side.schemaFaults, [...side.path, 'schema'], problems);
      if (side.raw.schema !== undefined) continue;
      const message = 'a side output needs the Avro schema of its records; add "schema"';
      problems.add({ code: 'schema-missing', path: side.path, message });
    }
  }
}

function addFaults(faults: readonly SchemaFault[], path: DocumentPath, problems: ProblemList): void {
  for (const { path: inside, offset, message } of faults) {
    problems.add({ code: 'schema-invalid', path: [...path, ...inside], message, offset });
  }
}

/** Checks that the records of each edge fit the function that reads them, for every schema that they may have. */
export function checkEdgeSchemas(draft: Draft, problems: ProblemList, graph: DraftGraph): void {
  const check = new EdgeCheck(problems);
  const written = new WrittenSchemas(draft, graph);
  for (const each of draft.functions) {
    check.implicit(each);
    const edges = graph.edgesInto(each);
    const isLeaf = each.kind === 'process' && each.out.length === 0 && each.sideOuts.length === 0;
    for (const edge of edges) {
      for (const writer of written.along(edge)) {
        if (each.kind === 'sink') check.sink(edge, writer);
        else if (isLeaf) check.leaf(edge, writer);
      }
    }
    check.download(each, { draft, writers: edges.flatMap((edge) => written.along(edge)) });
  }
  checkDecimals(draft, problems);
}

/** Messages name their schema by its fingerprint, which does not cover the scale of decimals. */
function checkDecimals(draft: Draft, problems: ProblemList): void {
  const known = new Map<string, { readonly type: AvroType; readonly path: DocumentPath }>();
  for (const each of draft.functions) {
    for (const { schema, path } of [...(each.kind === 'sink' ? [] : [each]), ...each.sideOuts]) {
      if (schema === undefined) continue;
      const form = canonicalForm(schema.type);
      const first = known.get(form);
      if (first === undefined) known.set(form, { type: schema.type, path: [...path, 'schema'] });
      else if (differInDecimals(first.type, schema.type)) {
        const line = problems.lineOf(first.path);
        const message = `differs from the schema at line ${line} in the precision or scale of decimals alone, so their messages would be confused; give the record another name`;
        problems.add({ code: 'schema-incompatible', path: [...path, 'schema'], message });
      }
    }
  }
}

class EdgeCheck {
  private readonly known = new Map<AvroType, Map<AvroType, readonly SchemaConflict[]>>();

  constructor(private readonly problems: ProblemList) {}

  sink({ to, path }: ResolvedEdge, writer: Writer): void {
    const reader = to.schema?.type;
    if (reader === undefined) return;
    const conflicts = this.conflicts(writer.type, reader);
    if (conflicts.length === 0) return;
    const line = this.problems.lineOf([...to.path, 'schema']);
    if (isPlaceholder(writer.type, reader)) {
      const message = `the schema of "${to.id}" (line ${line}) has no field of ${writer.name}; the sink takes it for a placeholder and gets the records as written`;
      this.problems.warn({ code: 'schema-incompatible', path, message });
      return;
    }
    const message = `records of ${writer.name} do not fit the schema of "${to.id}" (line ${line}): ${listed(conflicts)}; change one of the two schemas`;
    this.problems.add({ code: 'schema-incompatible', path, message });
  }

  leaf({ to, path }: ResolvedEdge, writer: Writer): void {
    const conflicts = to.schema === undefined ? [] : this.conflicts(writer.type, to.schema.type);
    if (conflicts.length === 0) return;
    const line = this.problems.lineOf([...to.path, 'schema']);
    const message = `records of ${writer.name} do not fit the schema of "${to.id}" (line ${line}), which matters if it returns its input: ${listed(conflicts)}`;
    this.problems.warn({ code: 'schema-incompatible', path, message });
  }

  /** A schema on a function whose type implies one must be able to read records of the implied schema. */
  implicit({ schema, path, type, descriptor }: DraftFunction): void {
    const emitted = implicitTypeOf(descriptor);
    if (schema === undefined || emitted === undefined) return;
    const conflicts = this.conflicts(emitted, schema.type);
    if (conflicts.length === 0) return;
    const fields = emitted.fields.map(({ name }) => name).join(', ');
    const records = `${emitted.name.split('.').at(-1)} records (${fields})`;
    const message = `${withArticle(type)} emits ${records}, which do not fit this schema: ${listed(conflicts)}; remove the schema`;
    this.problems.add({ code: 'schema-incompatible', path: [...path, 'schema'], message });
  }

  /** Automatic download finds its object by the fields `bucket` and `key` of the record. */
  download(each: DraftFunction, { draft, writers }: { draft: Draft; writers: readonly Writer[] }): void {
    if (each.kind !== 'process') return;
    const own = autoDownload(each.globalConfig);
    if (!(own ?? autoDownload(draft.globalConfig) ?? false)) return;
    const short = writers.find(({ type }) => !['bucket', 'key'].every((name) => hasField(type, name)));
    if (short === undefined) return;
    const path = own === true ? [...each.path, 'globalConfig', 'store', 'autoDownload'] : each.path;
    const message = `autoDownload needs records with the fields bucket and key; records of ${short.name} lack one`;
    if (own === true) this.problems.add({ code: 'schema-incompatible', path, message, at: 'key' });
    else
      this.problems.warn({
        code: 'schema-incompatible',
        path,
        message: `${message}; enable it only on functions that need it`,
      });
  }

  private conflicts(writer: AvroType, reader: AvroType): readonly SchemaConflict[] {
    const readers = this.known.get(writer) ?? new Map<AvroType, readonly SchemaConflict[]>();
    this.known.set(writer, readers);
    const conflicts = readers.get(reader) ?? typeConflicts(writer, reader);
    readers.set(reader, conflicts);
    return conflicts;
  }
}

function autoDownload(config: DraftFunction['globalConfig']): boolean | undefined {
  const { store } = config as { readonly store?: { readonly autoDownload?: unknown } };
  return typeof store?.autoDownload === 'boolean' ? store.autoDownload : undefined;
}

function hasField(type: AvroType, name: string): boolean {
  return type.kind === 'record' && type.fields.some((field) => field.name === name);
}

/** The first three conflicts in full, then the fields of the others. */
function listed(conflicts: readonly SchemaConflict[]): string {
  const detailed = conflicts.slice(0, 3).map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  const others = conflicts.slice(3).map(({ path }) => path);
  return detailed.join('; ') + (others.length === 0 ? '' : `; also ${others.join(', ')}`);
}
