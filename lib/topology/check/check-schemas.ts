import type { AvroType } from '../avro/avro-type';
import type { SchemaFault } from '../avro/read-avro-schema';
import { type SchemaConflict, sourceOf, typeConflicts } from '../avro/resolve-schema';
import type { Draft, DraftFunction } from '../document/draft';
import type { DraftGraph, ResolvedEdge } from '../document/draft-graph';
import { withArticle } from '../function-types/function-type';
import type { DocumentPath } from '../problem/problem';
import type { ProblemList } from '../read/problem-list';
import { implicitTypeOf, type Writer, WrittenSchemas } from './written-schemas';

/** Schemas must be there where nothing else says what records look like, and must be Avro. */
export function checkSchemas(draft: Draft, problems: ProblemList): void {
  for (const each of draft.functions) {
    addFaults(each.schemaFaults, [...each.path, 'schema'], problems);
    if (each.descriptor?.schema === 'required' && each.raw.schema === undefined) {
      const message = `${withArticle(each.type)} needs the Avro schema of the records it makes; add "schema"`;
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

/** Do the records that run along an edge fit the function at its end? Every schema that may be written is looked at. */
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
    if (!shareFields(writer.type, reader)) {
      const message = `the schema of "${to.id}" (line ${line}) has no field of ${writer.name}; it is taken for a placeholder, and the sink gets the records as written`;
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

  /** A schema written where the type has one of its own must be able to read the records of that one. */
  implicit({ schema, path, type, descriptor }: DraftFunction): void {
    const emitted = implicitTypeOf(descriptor);
    if (schema === undefined || emitted === undefined) return;
    const conflicts = this.conflicts(emitted, schema.type);
    if (conflicts.length === 0) return;
    const fields = emitted.fields.map(({ name }) => name).join(', ');
    const records = `${emitted.name.split('.').at(-1)} records (${fields})`;
    const message = `${withArticle(type)} emits ${records}, and they do not fit this schema: ${listed(conflicts)}; leave the schema out`;
    this.problems.add({ code: 'schema-incompatible', path: [...path, 'schema'], message });
  }

  /** Automatic download finds its object by the fields `bucket` and `key` of the record. */
  download(each: DraftFunction, { draft, writers }: { draft: Draft; writers: readonly Writer[] }): void {
    if (each.kind !== 'process') return;
    const asked = autoDownload(each.globalConfig);
    if (!(asked ?? autoDownload(draft.globalConfig) ?? false)) return;
    const short = writers.find(({ type }) => !['bucket', 'key'].every((name) => hasField(type, name)));
    if (short === undefined) return;
    const path = asked === true ? [...each.path, 'globalConfig', 'store', 'autoDownload'] : each.path;
    const message = `autoDownload needs records with the fields bucket and key, and those of ${short.name} have not both`;
    if (asked === true) this.problems.add({ code: 'schema-incompatible', path, message, at: 'key' });
    else
      this.problems.warn({ code: 'schema-incompatible', path, message: `${message}; set it only where it is needed` });
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

function shareFields(writer: AvroType, reader: AvroType): boolean {
  if (writer.kind !== 'record' || reader.kind !== 'record') return true;
  return reader.fields.some((field) => sourceOf(field, writer.fields) !== undefined);
}

function hasField(type: AvroType, name: string): boolean {
  return type.kind === 'record' && type.fields.some((field) => field.name === name);
}

/** The first three conflicts in full, the others by name. */
function listed(conflicts: readonly SchemaConflict[]): string {
  const told = conflicts.slice(0, 3).map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  const others = conflicts.slice(3).map(({ path }) => path);
  return told.join('; ') + (others.length === 0 ? '' : `; and so for ${others.join(', ')}`);
}
