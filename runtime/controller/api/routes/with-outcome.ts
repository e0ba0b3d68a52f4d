import type { FastifyReply } from 'fastify';
import type { ChangedFlow } from '../../../api-contract/flow-changes';
import type { DocumentProblem } from '../../../api-contract/problem';
import type { SubmitResult } from '../../flows/ports/flow-service';

/** The header of answers that a document's change gets, as OpenAPI describes it. */
export const outcomeHeaders = { 'Kflow-Outcome': 'what came of it: started, resumed, updated or unchanged' };

/** The status of the flow after a change of its document and what is to be said of that, the outcome in the header. */
export function withOutcome(reply: FastifyReply, { outcome, status, warnings = [] }: SubmitResult): ChangedFlow {
  reply.header('kflow-outcome', outcome);
  return warnings.length === 0 ? status : { ...status, warnings: warnings.map(warningOf) };
}

function warningOf({ severity, code, path, message, line, col }: DocumentProblem): DocumentProblem {
  return { severity, code, path, message, line, col };
}
