import type { FastifyReply } from 'fastify';
import type { SubmitResult } from '../ports/flow-service';

/** The header of answers that a document's change gets, as OpenAPI describes it. */
export const outcomeHeaders = { 'Kflow-Outcome': 'what came of it: started, resumed, updated or unchanged' };

/** The status of the flow after a change of its document, the outcome in the header. */
export function withOutcome(reply: FastifyReply, { outcome, status }: SubmitResult): SubmitResult['status'] {
  reply.header('kflow-outcome', outcome);
  return status;
}
