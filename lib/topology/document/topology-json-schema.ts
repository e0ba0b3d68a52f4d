import { documentSchema } from './document-schema';
import { jsonSchemaOf } from './json-schema';
import { testFileSchema } from './test-case-schema';

type JsonSchema = { readonly [key: string]: unknown };

/** JSON Schema (draft 2020-12) of the document, for editors. It describes the shape only, not the semantic checks. */
export function topologyJsonSchema(): JsonSchema {
  return jsonSchemaOf(documentSchema, { name: 'topology', title: 'KFlow topology' });
}

/** JSON Schema (draft 2020-12) of a file of tests. */
export function testFileJsonSchema(): JsonSchema {
  return jsonSchemaOf(testFileSchema, { name: 'test', title: 'KFlow tests' });
}
