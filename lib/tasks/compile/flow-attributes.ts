import { z } from 'zod';
import { isPlainMap } from '../../plain-map';
import type { TaskFlowProblems } from '../document/task-flow-problems';
import { attributeLimits } from '../graph/attribute-limits';
import type { FlowDeclaration } from '../language/syntax';

const { name, valueLength, count } = attributeLimits;
const nameError = 'a name of letters, digits, "_", "." and "-", at most 63';
const valueError = `text of at most ${valueLength} characters, a number, true or false`;
const scalar = z.union([z.string().max(valueLength), z.number(), z.boolean()], { error: valueError });

const parametersSchema = z.looseObject({
  attributes: z
    .record(z.string().regex(name, { error: nameError }), scalar, {
      error: 'a map of names to values',
    })
    .refine((attributes) => Object.keys(attributes).length <= count, { error: `at most ${count} attributes` }),
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
