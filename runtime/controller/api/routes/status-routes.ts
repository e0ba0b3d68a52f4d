import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { StateError } from '../../../../lib/errors';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import { type FlowStatus, flowStatusSchema, type ListQuery, listQuerySchema } from '../../../api-contract/flow-status';
import { namespaceFor } from '../access/caller';
import { callerOf } from '../access/guard-routes';
import type { ApiParts } from '../http/api-parts';
import type { ApiScope } from '../http/api-scope';
import { preferredType } from '../http/preferred-type';
import { encodeServerEvents, serverEventType } from '../http/server-events';
import { flowParams, jsonAnswer, namespaceParams, problemsOf } from './route-schemas';

const headers = {
  'Kflow-Continue': 'where the next page begins; left out on the last one',
  Link: 'the next page, with rel="next"',
};

/** How flows are, now and from now on. */
export function addStatusRoutes(app: ApiScope, parts: ApiParts): void {
  addListRoutes(app, parts);
  const { service, streams, keepAliveMs } = parts;

  const watch = async (flow: FlowKey, reply: FastifyReply): Promise<FastifyReply> => {
    await service.status(flow);
    const chunks = (signal: AbortSignal) =>
      encodeServerEvents(statusEvents(service.followStatus(flow, signal)), keepAliveMs);
    return streams.send(reply, { type: serverEventType, chunks });
  };

  const schema = {
    description: 'As server-sent events: one named `status` whenever it has changed, until the flow has closed.',
    tags: ['flows'],
    params: flowParams,
  };
  const event = { schema: z.string().describe('server-sent events, whose data is a FlowStatus') };
  const one = jsonAnswer('the status', flowStatusSchema);
  app.get(
    '/kflows/v1/:namespace/:jobId',
    {
      config: { role: 'view' },
      schema: {
        ...schema,
        operationId: 'getFlow',
        summary: 'Status of a flow',
        response: { 200: { ...one, content: { ...one.content, [serverEventType]: event } }, ...problemsOf(400, 404) },
      },
    },
    async (request, reply) => {
      const { accept } = request.headers;
      const wanted = preferredType(accept, ['application/json', serverEventType]);
      return wanted === serverEventType ? watch(request.params, reply) : service.status(request.params);
    },
  );

  app.get(
    '/kflows/v1/:namespace/:jobId/watch',
    {
      config: { role: 'view' },
      schema: {
        ...schema,
        operationId: 'watchFlow',
        summary: 'Status of a flow as it changes',
        response: {
          200: { description: 'the events', content: { [serverEventType]: event } },
          ...problemsOf(400, 404),
        },
      },
    },
    async (request, reply) => watch(request.params, reply),
  );
}

function addListRoutes(app: ApiScope, { service }: ApiParts): void {
  const schema = {
    tags: ['flows'],
    querystring: listQuerySchema,
    response: { 200: jsonAnswer('a page of them', z.array(flowStatusSchema)), ...problemsOf(400, 404) },
  };
  app.get(
    '/kflows/v1',
    {
      config: { role: 'view', headers },
      schema: { ...schema, operationId: 'listAllFlows', summary: 'Status of flows in all namespaces' },
    },
    async (request, reply) => list(namespaceFor(callerOf(request), undefined), request.query, reply),
  );
  app.get(
    '/kflows/v1/:namespace',
    {
      config: { role: 'view', headers },
      schema: {
        ...schema,
        operationId: 'listFlows',
        summary: 'Status of flows in a namespace',
        params: namespaceParams,
      },
    },
    async (request, reply) => {
      const { namespace } = request.params;
      const { id, status } = request.query;
      const flows = await list(namespace, request.query, reply);
      if (id !== undefined && status === undefined && flows.length === 0) {
        const name = flowName({ namespace, jobId: id });
        throw new StateError('flow-missing', `${name}: there is no such flow`, { where: name });
      }
      return flows;
    },
  );

  const list = async (namespace: string | undefined, query: ListQuery, reply: FastifyReply): Promise<FlowStatus[]> => {
    const { flows, continue: next } = await service.list(namespace, query);
    if (next !== undefined) {
      reply.header('kflow-continue', next).header('link', `<${nextUrl(reply.request, next)}>; rel="next"`);
    }
    return [...flows];
  };
}

/** The same request, from where this page ends. */
function nextUrl({ url }: FastifyRequest, next: string): string {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  searchParams.set('continue', next);
  return `${pathname}?${searchParams}`;
}

async function* statusEvents(statuses: AsyncIterable<FlowStatus>) {
  for await (const status of statuses) yield { name: 'status', data: status };
}
