import { z } from 'zod';
import { dnsLabel, maxLabelLength, singleDashLabel } from '../../../../lib/topology/document/dns-label';
import { executionId } from '../../../api-contract/execution-changes';
import { problemSchema } from '../../../api-contract/problem';
import { revisionRef } from '../../../api-contract/revisions';

const label = (rule: RegExp, dashes: string) =>
  z
    .string()
    .max(maxLabelLength)
    .regex(rule, `must consist of lower-case letters, digits and ${dashes}, and start and end with a letter or digit`);

const namespaceName = label(dnsLabel, 'dashes').describe("the flow's Kubernetes namespace");
const jobId = label(singleDashLabel, 'single dashes').describe("the flow's name within its namespace");

export const namespaceParams = z.object({ namespace: namespaceName });
export const flowParams = z.object({ namespace: namespaceName, jobId });
export const executionParams = z.object({ namespace: namespaceName, execution: executionId });
export const revisionParams = z.object({ namespace: namespaceName, revision: revisionRef });
export const scheduleParams = z.object({ namespace: namespaceName, schedule: executionId });

/** The query of routes without other parameters. */
export const namespaceQuery = z.strictObject({ namespace: namespaceName.optional() });

const problemDescriptions = {
  400: 'the request is invalid; detail has one line per fault',
  401: 'the request has no token, or the token is invalid',
  403: 'the caller lacks the role or the namespace',
  404: 'the flow, the execution or the revision does not exist',
  409: 'the state of the flow, of the execution or of the revision does not allow the request',
  413: 'the document is larger than 16 MiB',
  415: 'the content type is not supported',
  422: 'the document is invalid; problems has one entry per fault',
  500: 'the controller failed',
  503: 'a server that the controller depends on does not respond; retry after Retry-After',
} as const;

export type ProblemStatus = keyof typeof problemDescriptions;

/** Maximum size of a request with values of an execution, each of which has at most 100 MB. */
export const valueLimit = 128 * 1024 * 1024;

/** Statuses of problems that every route with a role may return. */
const commonProblems = [401, 403, 500, 503] as const;

/** The problem responses of a route by status: those listed and, if it requires a role, the common ones. */
export type ProblemsOf<S extends ProblemStatus, Role> = {
  readonly [status in Role extends 'anyone' ? S : S | (typeof commonProblems)[number]]: ReturnType<
    typeof problemResponse
  >;
};

export function problemsOf<S extends ProblemStatus, Role extends string>(
  statuses: readonly S[],
  role: Role,
): ProblemsOf<S, Role> {
  const all = role === 'anyone' ? statuses : [...statuses, ...commonProblems];
  const entries = all.map((status) => [status, problemResponse(problemDescriptions[status])]);
  return Object.fromEntries(entries) as ProblemsOf<S, Role>;
}

function problemResponse(description: string) {
  return { description, content: { 'application/problem+json': { schema: problemSchema } } };
}

/** A JSON response with this schema. */
export function jsonResponse<T extends z.ZodType>(description: string, schema: T) {
  return { description, content: { 'application/json': { schema } } };
}

/** A text response with these content types. */
export function textResponse(description: string, ...types: readonly string[]) {
  return { description, content: Object.fromEntries(types.map((type) => [type, { schema: z.string() }])) };
}
