import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type EventQuery, eventQuerySchema, eventSchema, type FlowEventView } from '../../../api-contract/flow-history';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { FlowService } from '../../flows/ports/flow-service';
import { assertRole, namespaceFor } from '../access/caller';
import { callerOf } from '../http/guard-routes';
import { preferredType } from '../http/request-content';
import { encodeServerEvents, type ServerEvent, serverEventType } from '../http/server-events';
import { type ApiParts, type ApiScope, readRoute } from './api-route';
import { flowParams, jsonResponse, namespaceQuery } from './route-schemas';

const list = jsonResponse('oldest first', z.array(eventSchema));
const event = { schema: z.string().describe('server-sent events with a FlowEvent as data') };
const description =
  'As server-sent events: first past events, then new ones as they happen, named by their kind. With Last-Event-ID, only events after that one.';
const common = {
  role: 'view',
  tag: 'events',
  responses: { 200: { ...list, content: { ...list.content, [serverEventType]: event } } },
} as const;

/** Routes for the events of flows: requests, transitions and notices. */
export function addEventsRoutes(app: ApiScope, { service, streams, keepAliveMs }: ApiParts): void {
  const send = async (of: Partial<FlowKey>, request: FastifyRequest, reply: FastifyReply) => {
    const { kind, limit } = request.query as EventQuery;
    const query = { kind, limit };
    const type = preferredType(request.headers.accept, ['application/json', serverEventType]);
    if (type !== serverEventType) return reply.send([...(await service.events(of, query))]);
    const after = request.headers['last-event-id'];
    const chunks = (signal: AbortSignal) =>
      encodeServerEvents(followEvents(service, { of, query, after: String(after), signal }), keepAliveMs);
    return streams.send(reply, { type: serverEventType, chunks });
  };

  app.get(
    '/kflows/v1/:namespace/:jobId/events',
    readRoute({
      ...common,
      operationId: 'listFlowEvents',
      summary: 'List or follow the events of a flow',
      description,
      params: flowParams,
      querystring: eventQuerySchema,
      problems: [400, 404],
    }),
    async (request, reply) => {
      // events outlive their flow; a flow that never existed has none, and its status throws flow-missing
      const any = await service.events(request.params, { limit: 1 });
      if (any.length === 0) await service.status(request.params);
      return send(request.params, request, reply);
    },
  );

  app.get(
    '/kflows/events/v1',
    readRoute({
      ...common,
      operationId: 'listEvents',
      summary: 'List or follow the events of all flows, including deleted ones',
      description: `${description} The events of all namespaces require the role \`admin\`.`,
      querystring: namespaceQuery.extend(eventQuerySchema.shape),
      problems: [400],
    }),
    async (request, reply) => {
      const caller = callerOf(request);
      const namespace = namespaceFor(caller, request.query.namespace);
      if (namespace === undefined) assertRole(caller, 'admin');
      return send(namespace === undefined ? {} : { namespace }, request, reply);
    },
  );
}

interface FollowEventsOptions {
  readonly of: Partial<FlowKey>;
  readonly query: EventQuery;
  /** Id of the last event that the client has. */
  readonly after: string;
  readonly signal: AbortSignal;
}

/** Past and new events, each once. Following starts before past events are read, so that none is lost in between. */
async function* followEvents(
  service: FlowService,
  { of, query, after, signal }: FollowEventsOptions,
): AsyncGenerator<ServerEvent> {
  const added = await service.followEvents(of, signal);
  const past = await service.events(of, query);
  const sent = new Set(past.map(({ id }) => id));
  const known = past.findIndex(({ id }) => id === after);
  for (const each of past.slice(known + 1)) yield toServerEvent(each);
  for await (const each of added) {
    const isWanted = query.kind === undefined || each.kind === query.kind;
    if (isWanted && !sent.has(each.id)) yield toServerEvent(each);
  }
}

function toServerEvent(event: FlowEventView): ServerEvent {
  return { name: event.kind, id: event.id, data: event };
}
