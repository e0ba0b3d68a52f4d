import type { SchemaFault } from '../avro/read-avro-schema';
import type { Draft } from '../document/draft';
import { withArticle } from '../function-types/function-type';
import type { DocumentPath } from '../problem/document-path';
import type { ProblemList } from '../read/problem-list';

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
