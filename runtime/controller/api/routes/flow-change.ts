import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ChangedFlow } from '../../../api-contract/flow-changes';
import type { DocumentProblem } from '../../../api-contract/problem';
import type { Requester, SubmitResult } from '../../flows/ports/flow-service';
import { callerOf } from '../http/guard-routes';
import { headerText } from '../http/request-content';

/** Query parameters of every change. */
export const commentQuery = z.strictObject({
  comment: z.string().max(1_000).optional().describe('reason for the audit log; same as the header `Kflow-Comment`'),
});

/** Request headers of every change. Loose, because the parsed object replaces all headers of the request. */
export const changeHeaders = z.looseObject({
  'kflow-comment': z.string().max(1_000).optional().describe('reason for the audit log'),
  'idempotency-key': z.string().max(255).optional().describe('a repeated request with the same key has no effect'),
});

/** Who requests a change, and why. The comment comes from the body, else the header Kflow-Comment, else the query. */
export function requesterOf(request: FastifyRequest): Requester {
  const { comment: inBody } = (request.body ?? {}) as { readonly comment?: string };
  const { comment: inQuery } = request.query as { readonly comment?: string };
  const comment = inBody ?? headerText(request.headers['kflow-comment']) ?? inQuery;
  const idempotencyKey = headerText(request.headers['idempotency-key']);
  return {
    by: callerOf(request).name,
    ...(comment === undefined || comment === '' ? {} : { comment }),
    ...(idempotencyKey === undefined || idempotencyKey === '' ? {} : { idempotencyKey }),
  };
}

/** Header of responses to a changed document. */
export const outcomeHeaders = { 'Kflow-Outcome': 'started, resumed, updated or unchanged' };

/** The response to a changed document: sets the outcome header and returns the status with the warnings. */
export function withOutcome(reply: FastifyReply, { outcome, status, warnings = [] }: SubmitResult): ChangedFlow {
  reply.header('kflow-outcome', outcome);
  return warnings.length === 0 ? status : { ...status, warnings: warnings.map(toWarning) };
}

function toWarning({ severity, code, path, message, line, col }: DocumentProblem): DocumentProblem {
  return { severity, code, path, message, line, col };
}
