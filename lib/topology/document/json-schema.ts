import { z } from 'zod';

type JsonSchema = { readonly [key: string]: unknown };

/** The JSON Schema of a type of documents, in which optional values may be null. */
export function jsonSchemaOf(
  type: z.ZodType,
  { name, title }: { readonly name: string; readonly title: string },
): JsonSchema {
  const { $schema, ...schema } = z.toJSONSchema(type, { target: 'draft-2020-12', io: 'input' });
  const document = allowNulls(schema) as JsonSchema;
  return { $schema, $id: `https://kflow.io/schemas/${name}.json`, title, ...document };
}

/** A key without a value counts as absent, so optional values may be null. */
function allowNulls(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(allowNulls);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).map(([key, value]) => [key, allowNulls(value)] as const);
  const {
    properties,
    required = [],
    ...rest
  } = Object.fromEntries(entries) as {
    properties?: { [key: string]: JsonSchema };
    required?: readonly string[];
  };
  if (properties === undefined || typeof properties !== 'object') return Object.fromEntries(entries);
  const optional = Object.entries(properties).map(([key, value]) => [
    key,
    required.includes(key) ? value : orNull(value),
  ]);
  return { ...rest, properties: Object.fromEntries(optional), ...(required.length > 0 ? { required } : {}) };
}

function orNull(schema: JsonSchema): JsonSchema {
  if (typeof schema.type === 'string' && schema.enum === undefined) return { ...schema, type: [schema.type, 'null'] };
  const { description, ...rest } = schema;
  return { ...(description === undefined ? {} : { description }), anyOf: [rest, { type: 'null' }] };
}
