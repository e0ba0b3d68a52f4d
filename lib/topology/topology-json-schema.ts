import { z } from 'zod';
import { documentSchema } from './document-schema';

/** JSON Schema (draft 2020-12) of the document, for editors. It knows the shape; what else is checked, it cannot say. */
export function topologyJsonSchema(): { readonly [key: string]: unknown } {
  const { $schema, ...schema } = z.toJSONSchema(documentSchema, { target: 'draft-2020-12', io: 'input' });
  return { $schema, $id: 'https://kflow.io/schemas/topology.json', title: 'KFlow topology', ...schema };
}
