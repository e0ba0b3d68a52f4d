import type { FastifyRequest } from 'fastify';
import type { Requester } from '../../flows/ports/flow-service';
import { headerText } from '../http/header-text';
import { callerOf } from './guard-routes';

/** Who asks for a change and why: the comment of the body, else of the header Kflow-Comment, else of the query. */
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
