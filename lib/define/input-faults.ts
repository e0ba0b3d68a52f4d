import { readAvroType } from '../topology/avro/avro-type-reader';
import { typeConflicts } from '../topology/avro/resolve-schema';
import type { DefinedFunction } from './defined-function';
import type { FlowOutput } from './flow-output';

/**
 * What is wrong with what a process reads. TypeScript has looked at its edges already; this looks at schemas that it
 * takes on trust, since the document does not carry a process's own.
 */
export function inputFaults({ from, reads }: DefinedFunction): readonly string[] {
  if (reads === undefined) return [];
  const { type, faults } = readAvroType(reads);
  if (faults.length > 0) return faults.map(({ field, message }) => `the type it reads: ${atField(field, message)}`);
  return from.flatMap(({ place }) =>
    place.schemas.flatMap((writer) =>
      typeConflicts(readAvroType(writer).type, type).map(
        ({ path, message }) => `cannot read what ${nameOf(place)} writes: ${atField(path, message)}`,
      ),
    ),
  );
}

function nameOf({ functionId, sideId }: FlowOutput['place']): string {
  return sideId === undefined ? `"${functionId}"` : `side output "${sideId}" of "${functionId}"`;
}

function atField(field: string, message: string): string {
  return field === '' ? message : `${field}: ${message}`;
}
