import { z } from 'zod';
import { problemSchema } from '../../../api-contract/problem';

const label = (rule: RegExp, dashes: string) =>
  z
    .string()
    .max(63)
    .regex(rule, `must be lower-case letters, digits and ${dashes}, with a letter or digit at both ends`);

/** As lib/topology checks the document's. */
const namespaceName = label(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'dashes').describe("the flow's Kubernetes namespace");
const jobId = label(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'single dashes').describe("the flow's name in its namespace");

export const namespaceParams = z.object({ namespace: namespaceName });
export const flowParams = z.object({ namespace: namespaceName, jobId });

/** The query of routes that ask for no more than this. */
export const namespaceQuery = z.strictObject({ namespace: namespaceName.optional() });

export const commentQuery = z.strictObject({
  comment: z.string().max(1_000).optional().describe('why, for the audit log; the header `Kflow-Comment` is the same'),
});

/** Loose, since what passes it takes the place of all headers. */
export const changeHeaders = z.looseObject({
  'kflow-comment': z.string().max(1_000).optional().describe('why, for the audit log'),
  'idempotency-key': z.string().max(255).optional().describe('the same request with the same key is done once'),
});

const problemAnswers = {
  400: 'the request is not as it must be; detail says each thing that is wrong',
  404: 'there is no such flow',
  409: 'the state of the flow does not allow it',
  413: 'the document is larger than 16 MiB',
  415: 'the content type is not one of those taken',
  422: 'the document has errors, each one in problems',
} as const;

/** Of every route with a role. */
const commonAnswers = {
  401: 'no token, or one that is not good',
  403: 'the caller may not do that',
  500: 'the controller failed',
  503: 'something behind the controller does not answer; ask again after Retry-After',
} as const;

type ProblemStatus = keyof typeof problemAnswers;

type ProblemAnswer = ReturnType<typeof problemAnswer>;

/** An answer that is a problem. */
export function problemAnswer(description: string) {
  return { description, content: { 'application/problem+json': { schema: problemSchema } } };
}

/** The problems that a route answers with: those that every one may, and these. */
export function problemsOf<S extends ProblemStatus>(
  ...statuses: readonly S[]
): { readonly [status in S | keyof typeof commonAnswers]: ProblemAnswer } {
  const own = statuses.map((status) => [status, problemAnswer(problemAnswers[status])]);
  const common = Object.entries(commonAnswers).map(([status, description]) => [status, problemAnswer(description)]);
  return Object.fromEntries([...own, ...common]);
}

/** An answer that is JSON of this schema. */
export function jsonAnswer<T extends z.ZodType>(description: string, schema: T) {
  return { description, content: { 'application/json': { schema } } };
}

/** An answer that is text of these types. */
export function textAnswer(description: string, ...types: readonly string[]) {
  return { description, content: Object.fromEntries(types.map((type) => [type, { schema: z.string() }])) };
}
