/** An Avro schema as JSON. */
export type AvroSchema = { readonly type: string; readonly [key: string]: unknown };
