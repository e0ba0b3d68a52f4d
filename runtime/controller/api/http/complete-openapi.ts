import { topologyJsonSchema } from '../../../../lib/topology/document/topology-json-schema';

export type Json = { readonly [key: string]: unknown };

export const topologyRef = { $ref: '#/components/schemas/Topology' };

interface Operation {
  readonly requestBody?: { readonly content: { readonly [type: string]: { readonly schema: Json } } };
}

interface Openapi {
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } };
  readonly components: { readonly schemas: { readonly [name: string]: Json } };
}

/** The document with the topology's schema, without schemas that nothing refers to, and with bodies that may be left out. */
export function completeOpenapi(document: Json): Json {
  const { paths, components } = document as unknown as Openapi;
  // Of a document of its own: here it is a part.
  const { $schema: _, $id: __, ...topology } = topologyJsonSchema();
  const schemas = referred(paths, { ...components.schemas, Topology: topology });
  const relaxed = Object.entries(paths).map(([path, operations]) => [
    path,
    Object.fromEntries(Object.entries(operations).map(([method, operation]) => [method, withOptionalBody(operation)])),
  ]);
  return { ...document, paths: Object.fromEntries(relaxed), components: { ...components, schemas } };
}

/** A body that needs no field needs not be there. */
function withOptionalBody(operation: Operation): Operation {
  const schema = operation.requestBody?.content['application/json']?.schema;
  if (schema === undefined || '$ref' in schema || 'required' in schema) return operation;
  return { ...operation, requestBody: { ...operation.requestBody, required: false } as Operation['requestBody'] };
}

/** The schemas that paths refer to, and those that these refer to. */
function referred(paths: Json, schemas: { readonly [name: string]: Json }): { readonly [name: string]: Json } {
  const found = new Set<string>();
  const visit = (part: unknown): void => {
    for (const [, name = ''] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (found.has(name)) continue;
      found.add(name);
      visit(schemas[name]);
    }
  };
  visit(paths);
  return Object.fromEntries(Object.entries(schemas).filter(([name]) => found.has(name)));
}
