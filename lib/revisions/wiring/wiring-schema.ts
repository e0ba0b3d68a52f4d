import { z } from 'zod';
import { identifierRule, isIdentifier } from '../identifier';

// Names and defaults are those of the requests of hetida designer, whose messages are answered unchanged. Unknown keys are ignored.

/** The adapter by which values stand in the request and in its answer. */
export const directProvisioning = 'direct_provisioning';

const name = z.string().refine(isIdentifier, { error: `a name: ${identifierRule}` });

const filterKey = z
  .string()
  .regex(/^[A-Za-z]\w+$/, { error: 'a letter and at least one letter, digit or _' })
  .refine((key) => !['from', 'to', 'id'].includes(key), {
    error: 'another key than from, to and id, which are reserved',
  });

/** Numbers and booleans are taken as their text: the documents' own messages have `"value": 1.3`. */
const filterValue = z
  .union([z.string(), z.number().transform(String), z.boolean().transform(String), z.null().transform(() => '')])
  .describe('text; null is the empty text');

const scalar = '(int|integer|float|str|string|bool|boolean|any)';
const valueType = z
  .string()
  .regex(new RegExp(`^(metadata\\(${scalar}\\)|(timeseries|series)\\((${scalar}|object)\\)|dataframe|multitsframe)$`), {
    error: 'metadata(TYPE), timeseries(TYPE), series(TYPE), dataframe or multitsframe',
  });

const place = {
  adapter_id: z.union([z.string(), z.int()], { error: 'the id of an adapter' }),
  ref_id: z.string().nullish().transform(orNull),
  ref_id_type: z.enum(['SOURCE', 'SINK', 'THINGNODE']).nullish().transform(orNull),
  ref_key: z.string().nullish().transform(orNull),
  type: valueType.nullish().transform(orNull),
  filters: z.record(filterKey, filterValue).default({}),
};

const inputWiring = z
  .object({ workflow_input_name: name, ...place, use_default_value: z.boolean().default(false) })
  .superRefine(needsReference);

const outputWiring = z.object({ workflow_output_name: name, ...place }).superRefine(needsReference);

/** Where the inputs of an execution come from, and its outputs go to. */
export const wiringSchema = z.object({
  input_wirings: z.array(inputWiring).default([]).superRefine(uniqueBy('workflow_input_name')),
  output_wirings: z.array(outputWiring).default([]).superRefine(uniqueBy('workflow_output_name')),
  dashboard_positionings: z
    .array(
      z.object({
        id: z.string(),
        ...Object.fromEntries((['x', 'y', 'w', 'h'] as const).map((side) => [side, z.number().min(0).nullish()])),
      }),
    )
    .default([]),
});

export type Wiring = z.infer<typeof wiringSchema>;
export type InputWiring = z.infer<typeof inputWiring>;
export type OutputWiring = z.infer<typeof outputWiring>;

function orNull<T>(value: T | null | undefined): T | null {
  return value ?? null;
}

/** Metadata is that of a node of the adapter. */
function needsReference(
  { type, ref_key, ref_id_type }: { type: string | null; ref_key: string | null; ref_id_type: string | null },
  context: z.core.$RefinementCtx,
): void {
  if (type?.startsWith('metadata') !== true) return;
  for (const [key, value] of Object.entries({ ref_key, ref_id_type })) {
    if (value !== null) continue;
    context.addIssue({ code: 'custom', path: [key], message: `text: ${type} is found by ref_id_type and ref_key` });
  }
}

function uniqueBy<Key extends string>(key: Key) {
  return (wirings: readonly { readonly [K in Key]: string }[], context: z.core.$RefinementCtx): void => {
    const seen = new Set<string>();
    for (const [index, wiring] of wirings.entries()) {
      if (seen.has(wiring[key]))
        context.addIssue({ code: 'custom', path: [index, key], message: 'another name: this one is wired twice' });
      seen.add(wiring[key]);
    }
  };
}
