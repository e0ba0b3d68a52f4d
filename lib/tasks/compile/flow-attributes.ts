import { z } from 'zod';
import { isPlainMap } from '../../plain-map';
import type { TaskFlowProblems } from '../document/task-flow-problems';
import type { FlowDeclaration } from '../language/syntax';

const nameError = 'a name of letters, digits, "_", "." and "-", at most 63';
const valueError = 'text of at most 256 characters, a number, true or false';
const scalar = z.union([z.string().max(256), z.number(), z.boolean()], { error: valueError });

const parametersSchema = z.looseObject({
  attributes: z
    .record(z.string().regex(/^[A-Za-z_][\w.-]{0,62}$/, { error: nameError }), scalar, {
      error: 'a map of names to values',
    })
    .refine((attributes) => Object.keys(attributes).length <= 20, { error: 'at most 20 attributes' }),
});

/** The attributes of the executions of a flow, which are in the parameters of `@flow`. */
export function flowAttributes(
  { parameters }: FlowDeclaration,
  problems: TaskFlowProblems,
): { readonly [name: string]: string } | undefined {
  if (parameters === undefined || !isPlainMap(parameters.value) || !('attributes' in parameters.value))
    return undefined;
  const read = problems.read(parametersSchema, parameters, '@flow');
  return read && Object.fromEntries(Object.entries(read.attributes).map(([name, value]) => [name, String(value)]));
}
