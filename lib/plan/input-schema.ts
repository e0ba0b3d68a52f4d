import { isDeepStrictEqual } from 'node:util';
import type { WrittenSchema } from '../topology/avro/avro-type';
import { functionsOf, type Upstream, upstreamsOf } from '../topology/document/graph';
import type { FlowFunction, Topology } from '../topology/document/topology';
import { descriptorOf } from '../topology/function-types/function-type';

/** The schema that every record of a function's inputs is declared to have; undefined if there are several, or none. */
export function inputSchemaOf(topology: Topology, fn: FlowFunction): WrittenSchema | undefined {
  const [first, ...others] = writtenTo(topology, fn.id, new Set());
  return others.every((other) => isDeepStrictEqual(other, first)) ? first : undefined;
}

/** The schemas that the records of an output are declared to have; none of a function that has none. */
export function outputSchemasOf(topology: Topology, output: Upstream): readonly WrittenSchema[] {
  return writtenBy(topology, output, new Set()).filter((schema) => schema !== undefined);
}

/** Every schema that a record of the function's inputs may have, each once. */
export function inputSchemasOf(topology: Topology, fn: FlowFunction): readonly WrittenSchema[] {
  const schemas = writtenTo(topology, fn.id, new Set()).filter((schema) => schema !== undefined);
  return schemas.filter((schema, index) => schemas.findIndex((other) => isDeepStrictEqual(other, schema)) === index);
}

/** A process without a schema passes on those of its inputs. */
function writtenTo(topology: Topology, id: string, seen: Set<string>): readonly (WrittenSchema | undefined)[] {
  if (seen.has(id)) return [];
  seen.add(id);
  return upstreamsOf(topology, id).flatMap((upstream) => writtenBy(topology, upstream, seen));
}

function writtenBy(
  topology: Topology,
  { from, side }: Upstream,
  seen: Set<string>,
): readonly (WrittenSchema | undefined)[] {
  const [writer] = functionsOf(topology, [from]);
  if (writer === undefined) return [undefined];
  if (side !== undefined) return [writer.sideOuts.find((candidate) => candidate.id === side)?.schema];
  const own = writer.schema ?? descriptorOf(writer.type).implicitSchema;
  return own === undefined ? writtenTo(topology, from, seen) : [own];
}
