import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { KFlowError } from '../../../../lib/errors';
import { executionId } from '../../../api-contract/execution-changes';
import type { ExecutionKey } from '../../../api-contract/execution-key';
import { type ExecutionPhase, executionPhases } from '../../../api-contract/execution-phase';
import { namespaceFor } from '../access/caller';
import { ApiError } from '../http/api-error';
import { callerOf } from '../http/guard-routes';
import { problemOf } from '../http/problem-response';
import { jsonResponse, namespaceQuery } from '../routes/route-schemas';

/** The id in a path; the prefix of ids in events is taken off. */
export const workflowParams = z.object({
  workflow: executionId.transform((id) => id.replace(/^workflow:/, '')).describe('id of an execution'),
});

/** Every route of this family works in one namespace: the one of the query, else the caller's only one, else `default`. */
export const workflowQuery = namespaceQuery;

const states = ['RUNNING', 'TERMINATING', 'TERMINATED', 'FAILED', 'FINISHED'] as const;
export const workflowState = z.enum(states);

export const successSchema = z
  .object({
    status: z.literal('Success'),
    message: z.string().optional(),
    workflow: z.string().optional().describe('id of the execution'),
    uri: z.string().optional().describe('where the archive is'),
  })
  .meta({ id: 'WorkflowSuccess' });

const failureSchema = z.object({ status: z.literal('Error'), message: z.string() }).meta({ id: 'WorkflowError' });

/** Responses of refused requests; those for access, content types and servers are problems as everywhere. */
export const failures = {
  400: jsonResponse('the request is refused', failureSchema),
  404: jsonResponse('there is no such execution', failureSchema),
} as const;

/** The state of an execution in the words of these routes. */
export function stateOf(phase: ExecutionPhase): (typeof states)[number] {
  switch (phase) {
    case 'Pending':
    case 'Running':
      return 'RUNNING';
    case 'Stopping':
      return 'TERMINATING';
    case 'Stopped':
      return 'TERMINATED';
    case 'Failed':
      return 'FAILED';
    case 'Completed':
      return 'FINISHED';
  }
}

export function namespaceOf(request: FastifyRequest): string {
  const { namespace } = request.query as z.infer<typeof namespaceQuery>;
  return namespaceFor(callerOf(request), namespace ?? soleNamespace(request)) ?? 'default';
}

export function keyOf(request: FastifyRequest): ExecutionKey {
  const { workflow } = request.params as z.infer<typeof workflowParams>;
  return { namespace: namespaceOf(request), execution: workflow };
}

/** `default` for callers of all namespaces; undefined where the caller's namespaces decide. */
function soleNamespace(request: FastifyRequest): string | undefined {
  return callerOf(request).namespaces === undefined ? 'default' : undefined;
}

export function isOpen(phase: ExecutionPhase): boolean {
  return !executionPhases[phase].isClosed;
}

/** The error for a request that the routes of this family refuse. */
export function refusal(message: string): ApiError {
  return new ApiError(400, 'request-invalid', message);
}

/** Sends refusals as `{status, message}`; all other errors are problems as everywhere. */
export async function sendFailure(error: FastifyError, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { problem } = problemOf(error, request);
  const { status, code, detail } = problem;
  if (![400, 404, 409, 422].includes(status)) throw error;
  request.problemCode = code;
  const isFlow = error instanceof KFlowError && 'problems' in error;
  const message = isFlow ? `Cannot compile workflow due to: ${detail}` : detail;
  return reply
    .code(status === 404 ? 404 : 400)
    .type('application/json; charset=utf-8')
    .send({ status: 'Error', message });
}
