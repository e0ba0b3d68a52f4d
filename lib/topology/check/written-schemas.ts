import type { AvroType } from '../avro/avro-type';
import { readAvroType } from '../avro/avro-type-reader';
import type { Draft, DraftFunction } from '../document/draft';
import type { DraftGraph, ResolvedEdge } from '../document/draft-graph';
import type { FunctionTypeDescriptor } from '../function-types/function-type-descriptor';
import { formatPath } from '../problem/problem';

/** A schema that records may be written with, and the output that declares it, in words. */
export interface Writer {
  readonly type: AvroType;
  readonly name: string;
}

/** Schemas read once: the same one must be the same type, since writers are told apart by it. */
const implicitTypes = new WeakMap<FunctionTypeDescriptor, RecordType>();

type RecordType = AvroType & { readonly kind: 'record' };

/** The implicit schema of a function type, read; undefined where only the document says what the records look like. */
export function implicitTypeOf(descriptor: FunctionTypeDescriptor | undefined): RecordType | undefined {
  if (descriptor?.implicitSchema === undefined) return undefined;
  const known = implicitTypes.get(descriptor);
  if (known !== undefined) return known;
  const type = readAvroType(descriptor.implicitSchema).type as RecordType;
  implicitTypes.set(descriptor, type);
  return type;
}

/** The schemas that each output of a draft may be written with: a process without one passes on those of its inputs. */
export class WrittenSchemas {
  private readonly emitted = new Map<DraftFunction, Map<AvroType, Writer>>();

  constructor(draft: Draft, graph: DraftGraph) {
    for (const each of draft.functions) {
      const own = ownWriter(each);
      this.emitted.set(each, new Map(own === undefined ? [] : [[own.type, own]]));
    }
    // Sets only grow, so this ends even where edges run in a circle.
    const waiting = new Set(draft.functions);
    for (const each of waiting) {
      waiting.delete(each);
      for (const edge of graph.edgesFrom(each)) {
        if (passesOn(edge.to) && this.add(edge)) waiting.add(edge.to);
      }
    }
  }

  /** What may run along an edge. */
  along({ from, side }: ResolvedEdge): readonly Writer[] {
    if (side === undefined) return [...(this.emitted.get(from)?.values() ?? [])];
    if (side.schema === undefined) return [];
    return [{ type: side.schema.type, name: `side output "${side.id}" of ${nameOf(from)}` }];
  }

  private add(edge: ResolvedEdge): boolean {
    const target = this.emitted.get(edge.to) ?? new Map<AvroType, Writer>();
    const before = target.size;
    for (const writer of this.along(edge)) if (!target.has(writer.type)) target.set(writer.type, writer);
    return target.size > before;
  }
}

function ownWriter(each: DraftFunction): Writer | undefined {
  if (each.schema !== undefined) return { type: each.schema.type, name: nameOf(each) };
  const type = implicitTypeOf(each.descriptor);
  return type && { type, name: nameOf(each) };
}

function nameOf({ id, path }: DraftFunction): string {
  return id === undefined ? formatPath(path) : `"${id}"`;
}

/** A schema that is there and cannot be read is no reason to take the input's. */
function passesOn({ kind, raw }: DraftFunction): boolean {
  return kind === 'process' && raw.schema === undefined;
}
