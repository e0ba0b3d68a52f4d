import type { AvroType } from '../avro/avro-type';
import { readAvroType } from '../avro/avro-type-reader';
import type { Draft, DraftFunction } from '../document/draft';
import type { DraftGraph, ResolvedEdge } from '../document/draft-graph';
import type { FunctionTypeDescriptor } from '../function-types/function-type-descriptor';
import { formatPath } from '../problem/problem';

/** A schema that records may have, and the output that declares it, as messages name it. */
export interface Writer {
  readonly type: AvroType;
  readonly name: string;
}

/** Each schema is read once, because writers are compared by the identity of their types. */
const implicitTypes = new WeakMap<FunctionTypeDescriptor, RecordType>();

type RecordType = AvroType & { readonly kind: 'record' };

/** The implicit schema of a function type; undefined if the type has none. */
export function implicitTypeOf(descriptor: FunctionTypeDescriptor | undefined): RecordType | undefined {
  if (descriptor?.implicitSchema === undefined) return undefined;
  const known = implicitTypes.get(descriptor);
  if (known !== undefined) return known;
  const type = readAvroType(descriptor.implicitSchema).type as RecordType;
  implicitTypes.set(descriptor, type);
  return type;
}

/** The schemas that the records of each output may have. A process without a schema inherits those of its inputs. */
export class WrittenSchemas {
  private readonly emitted = new Map<DraftFunction, Map<AvroType, Writer>>();

  constructor(draft: Draft, graph: DraftGraph) {
    for (const each of draft.functions) {
      const own = ownWriter(each);
      this.emitted.set(each, new Map(own === undefined ? [] : [[own.type, own]]));
    }
    // Sets only grow, so the loop ends even if the edges form a cycle.
    const waiting = new Set(draft.functions);
    for (const each of waiting) {
      waiting.delete(each);
      for (const edge of graph.edgesFrom(each)) {
        if (passesOn(edge.to) && this.add(edge)) waiting.add(edge.to);
      }
    }
  }

  /** The schemas that the records of an edge may have. */
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

/** A process with an invalid schema does not inherit the schemas of its inputs. */
function passesOn({ kind, raw }: DraftFunction): boolean {
  return kind === 'process' && raw.schema === undefined;
}
