import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { FlowKey } from '../../../api-contract/flow-key';
import { type FlowStatus, flowStatusSchema } from '../../../api-contract/flow-status';
import type { Ending, FlowService } from '../../flows/ports/flow-service';
import { assertRole } from '../access/caller';
import { callerOf } from '../access/guard-routes';
import { requesterOf } from '../access/requester-of';
import { ApiError } from '../http/api-error';
import type { ApiScope } from '../http/api-scope';
import { changeHeaders, commentQuery, flowParams, jsonAnswer, problemsOf } from './route-schemas';

const options = 'force=true and stop=true';
const isAsked = z.enum(['true', 'false'], `must be true or false, the options are ${options}`).optional();

const endingQuery = commentQuery.extend({
  force: isAsked.describe('end it at once and remove its data, whatever state it is in'),
  stop: isAsked.describe('end what runs, and keep streams and offsets for the next submit'),
});

const endingSegment = z.enum(
  ['force=true', 'force=false', 'stop=true', 'stop=false'],
  'must be force=true or stop=true; =false is as if it were left out',
);

const schema = {
  summary: 'Delete a flow, or stop it',
  tags: ['flows'],
  querystring: endingQuery,
  headers: changeHeaders,
  response: { 202: jsonAnswer('it is being ended', flowStatusSchema), ...problemsOf(400, 404, 409) },
};

/** The end of flows; the option is a segment of the path, or in the query. */
export function addEndRoutes(app: ApiScope, service: FlowService): void {
  const end = async (request: FastifyRequest, flow: FlowKey, asked: readonly string[]): Promise<FlowStatus> => {
    const ending = endingOf(asked);
    if (ending !== 'stop') assertRole(callerOf(request), 'admin');
    return service.end(flow, ending, requesterOf(request));
  };

  const description = 'All but stop=true needs the role `admin`.';
  app.delete(
    '/kflows/v1/:namespace/:jobId',
    {
      config: { role: 'operate' },
      schema: { ...schema, operationId: 'endFlow', description, params: flowParams },
    },
    async (request, reply) => reply.code(202).send(await end(request, request.params, askedBy(request.query))),
  );

  app.delete(
    '/kflows/v1/:namespace/:jobId/:option',
    {
      config: { role: 'operate', endsInAny: true },
      schema: {
        ...schema,
        operationId: 'endFlowWithOption',
        description,
        params: flowParams.extend({ option: endingSegment }),
      },
    },
    async (request, reply) => {
      const { option, ...flow } = request.params;
      const asked = [...askedBy(request.query), ...(option.endsWith('=true') ? [option.replace('=true', '')] : [])];
      return reply.code(202).send(await end(request, flow, asked));
    },
  );
}

function askedBy({ force, stop }: z.infer<typeof endingQuery>): readonly string[] {
  return [...(force === 'true' ? ['force'] : []), ...(stop === 'true' ? ['stop'] : [])];
}

function endingOf(asked: readonly string[]): Ending {
  if (asked.includes('force') && asked.includes('stop')) {
    throw new ApiError(400, 'request-invalid', `force=true removes what stop=true keeps; ask for one of them`);
  }
  if (asked.includes('stop')) return 'stop';
  return asked.includes('force') ? 'force' : 'delete';
}
