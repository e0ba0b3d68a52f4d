import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { FlowKey } from '../../../api-contract/flow-key';
import { type FlowStatus, flowStatusSchema } from '../../../api-contract/flow-status';
import type { Ending } from '../../flows/ports/flow-service';
import { assertRole } from '../access/caller';
import { ApiError } from '../http/api-error';
import { callerOf } from '../http/guard-routes';
import { type ApiParts, type ApiScope, changeRoute } from './api-route';
import { commentQuery, requesterOf } from './flow-change';
import { flowParams, jsonResponse } from './route-schemas';

const flag = z.enum(['true', 'false'], 'must be true or false; the options are force=true and stop=true').optional();

const endingQuery = commentQuery.extend({
  force: flag.describe('delete the flow and its data at once, whatever its state'),
  stop: flag.describe('stop the replicas, but keep streams and offsets for the next submit'),
});

const endingSegment = z.enum(
  ['force=true', 'force=false', 'stop=true', 'stop=false'],
  'must be force=true or stop=true; =false is the same as leaving the option out',
);

const common = {
  role: 'operate',
  summary: 'Delete or stop a flow',
  description: 'Everything except stop=true requires the role `admin`.',
  tag: 'flows',
  querystring: endingQuery,
  responses: { 202: jsonResponse('the flow is being ended', flowStatusSchema) },
  problems: [400, 404, 409],
} as const;

/** Routes that delete or stop a flow. The option is in the query or is the last segment of the path. */
export function addEndRoutes(app: ApiScope, { service }: ApiParts): void {
  const end = async (request: FastifyRequest, flow: FlowKey, options: readonly string[]): Promise<FlowStatus> => {
    const ending = endingOf(options);
    if (ending !== 'stop') assertRole(callerOf(request), 'admin');
    return service.end(flow, ending, requesterOf(request));
  };

  app.delete(
    '/kflows/v1/:namespace/:jobId',
    changeRoute({ ...common, operationId: 'endFlow', params: flowParams }),
    async (request, reply) => reply.code(202).send(await end(request, request.params, optionsIn(request.query))),
  );

  const withOption = changeRoute({
    ...common,
    operationId: 'endFlowWithOption',
    params: flowParams.extend({ option: endingSegment }),
  });
  app.delete(
    '/kflows/v1/:namespace/:jobId/:option',
    { ...withOption, config: { ...withOption.config, endsInAny: true } },
    async (request, reply) => {
      const { option, ...flow } = request.params;
      const inPath = option.endsWith('=true') ? [option.replace('=true', '')] : [];
      return reply.code(202).send(await end(request, flow, [...optionsIn(request.query), ...inPath]));
    },
  );
}

function optionsIn({ force, stop }: z.infer<typeof endingQuery>): readonly string[] {
  return [...(force === 'true' ? ['force'] : []), ...(stop === 'true' ? ['stop'] : [])];
}

function endingOf(options: readonly string[]): Ending {
  if (options.includes('force') && options.includes('stop')) {
    throw new ApiError(400, 'request-invalid', 'force=true deletes what stop=true keeps; use one of them');
  }
  if (options.includes('stop')) return 'stop';
  return options.includes('force') ? 'force' : 'delete';
}
