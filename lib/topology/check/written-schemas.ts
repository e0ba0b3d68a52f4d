import type { AvroType } from '../avro/avro-type';
import { readAvroType } from '../avro/avro-type-reader';
import { s3list } from '../avro/s3list';
import type { Draft, DraftFunction } from '../document/draft';
import type { DraftGraph, ResolvedEdge } from '../document/draft-graph';
import { formatPath } from '../problem/document-path';

/** A schema that records may be written with, and the output that declares it, in words. */
export interface Writer {
  readonly type: AvroType;
  readonly name: string;
}

const s3listType = readAvroType(s3list).type;

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
  return each.type === 'fs-source' ? { type: s3listType, name: nameOf(each) } : undefined;
}

function nameOf({ id, path }: DraftFunction): string {
  return id === undefined ? formatPath(path) : `"${id}"`;
}

/** A schema that is there and cannot be read is no reason to take the input's. */
function passesOn({ kind, raw }: DraftFunction): boolean {
  return kind === 'process' && raw.schema === undefined;
}
