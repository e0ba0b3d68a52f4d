import { z } from 'zod';

/**
 * Kinds of fields of the document. The `error` of each is a noun phrase, because messages say "must be …, got …".
 */
export const field = {
  text: (description: string) => z.string({ error: 'text' }).describe(description),
  flag: (description: string) => z.boolean({ error: 'true or false' }).describe(description),
  /** A whole number from 1. */
  count: (description: string) => {
    const error = 'a positive integer';
    return z.int({ error }).positive({ error }).describe(description);
  },
  /** A number of replicas, up to the limit of an indexed Job. */
  replicas: (description: string) => {
    const error = 'a positive integer';
    return z.int({ error }).positive({ error }).max(100_000, { error: 'at most 100000' }).describe(description);
  },
  /** Text of at least one character. */
  word: (description: string) =>
    z.string({ error: 'text' }).min(1, { error: 'text that is not empty' }).describe(description),
  integer: (description: string) => z.int({ error: 'an integer' }).describe(description),
  port: (description: string) => {
    const error = 'a port, 1 to 65535';
    return z.int({ error }).min(1, { error }).max(65_535, { error }).describe(description);
  },
  positive: (description: string) => {
    const error = 'a number above 0';
    return z.number({ error }).positive({ error }).describe(description);
  },
  oneOf: <const T extends readonly [string, ...string[]]>(values: T, description: string) =>
    z
      .enum(values, { error: values.length === 1 ? `"${values[0]}"` : `one of ${values.join(', ')}` })
      .describe(description),
  list: <T extends z.ZodType>(items: T, description: string) =>
    z.array(items, { error: 'a list' }).describe(description),
  /** A map with only these keys. */
  section: <T extends z.ZodRawShape>(shape: T, description: string) =>
    z.strictObject(shape, { error: 'a map' }).describe(description),
  /** A map with these and any other keys. */
  openSection: <T extends z.ZodRawShape>(shape: T, description: string) =>
    z.looseObject(shape, { error: 'a map' }).describe(description),
};
