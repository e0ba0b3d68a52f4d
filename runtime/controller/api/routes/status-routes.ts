import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { StateError } from '../../../../lib/errors';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import { type FlowStatus, flowStatusSchema, type ListQuery, listQuerySchema } from '../../../api-contract/flow-status';
import { namespaceFor } from '../access/caller';
import { callerOf } from '../http/guard-routes';
import { preferredType } from '../http/request-content';
import { encodeServerEvents, serverEventType } from '../http/server-events';
import { type ApiParts, type ApiScope, readRoute } from './api-route';
import { sendPage } from './next-page';
import { flowParams, jsonResponse, namespaceParams } from './route-schemas';

const common = { role: 'view', tag: 'flows', problems: [400, 404] } as const;

/** Routes for the statuses of flows. */
export function addStatusRoutes(app: ApiScope, parts: ApiParts): void {
  addListRoutes(app, parts);
  const { service, streams, keepAliveMs } = parts;

  const watch = async (flow: FlowKey, reply: FastifyReply): Promise<FastifyReply> => {
    await service.status(flow);
    const chunks = (signal: AbortSignal) =>
      encodeServerEvents(statusEvents(service.followStatus(flow, signal)), keepAliveMs);
    return streams.send(reply, { type: serverEventType, chunks });
  };

  const ofFlow = {
    ...common,
    description: 'As server-sent events: one event `status` for each change, until the flow is closed.',
    params: flowParams,
  } as const;
  const event = { schema: z.string().describe('server-sent events with a FlowStatus as data') };
  const one = jsonResponse('the status', flowStatusSchema);
  app.get(
    '/kflows/v1/:namespace/:jobId',
    readRoute({
      ...ofFlow,
      operationId: 'getFlow',
      summary: 'Get the status of a flow',
      responses: { 200: { ...one, content: { ...one.content, [serverEventType]: event } } },
    }),
    async (request, reply) => {
      const type = preferredType(request.headers.accept, ['application/json', serverEventType]);
      return type === serverEventType ? watch(request.params, reply) : service.status(request.params);
    },
  );

  app.get(
    '/kflows/v1/:namespace/:jobId/watch',
    readRoute({
      ...ofFlow,
      operationId: 'watchFlow',
      summary: 'Watch the status of a flow',
      responses: { 200: { description: 'the events', content: { [serverEventType]: event } } },
    }),
    async (request, reply) => watch(request.params, reply),
  );
}

function addListRoutes(app: ApiScope, { service }: ApiParts): void {
  const lists = {
    ...common,
    querystring: listQuerySchema,
    responses: { 200: jsonResponse('one page of flows', z.array(flowStatusSchema)) },
    responseHeaders: {
      'Kflow-Continue': 'start of the next page; absent on the last page',
      Link: 'the next page, with rel="next"',
    },
  } as const;

  const list = async (namespace: string | undefined, query: ListQuery, reply: FastifyReply): Promise<FlowStatus[]> => {
    const { flows, continue: next } = await service.list(namespace, query);
    return sendPage(reply, flows, next);
  };

  app.get(
    '/kflows/v1',
    readRoute({ ...lists, operationId: 'listAllFlows', summary: 'List the flows of all namespaces' }),
    async (request, reply) => list(namespaceFor(callerOf(request), undefined), request.query, reply),
  );

  app.get(
    '/kflows/v1/:namespace',
    readRoute({
      ...lists,
      operationId: 'listFlows',
      summary: 'List the flows of a namespace',
      params: namespaceParams,
    }),
    async (request, reply) => {
      const { namespace } = request.params;
      const { id, status } = request.query;
      const flows = await list(namespace, request.query, reply);
      if (id !== undefined && status === undefined && flows.length === 0) {
        const name = flowName({ namespace, jobId: id });
        throw new StateError('flow-missing', `there is no flow ${name}`, { where: name });
      }
      return flows;
    },
  );
}

async function* statusEvents(statuses: AsyncIterable<FlowStatus>) {
  for await (const status of statuses) yield { name: 'status', data: status };
}
