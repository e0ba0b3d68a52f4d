import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type EventQuery, eventQuerySchema, eventSchema, type FlowEventView } from '../../../api-contract/flow-history';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { FlowService } from '../../flows/ports/flow-service';
import { assertRole, namespaceFor } from '../access/caller';
import { callerOf } from '../access/guard-routes';
import type { ApiParts } from '../http/api-parts';
import type { ApiScope } from '../http/api-scope';
import { preferredType } from '../http/preferred-type';
import { encodeServerEvents, type ServerEvent, serverEventType } from '../http/server-events';
import { flowParams, jsonAnswer, namespaceQuery, problemsOf } from './route-schemas';

const list = jsonAnswer('the oldest first', z.array(eventSchema));
const event = { schema: z.string().describe('server-sent events, whose data is a FlowEvent') };
const answer = { ...list, content: { ...list.content, [serverEventType]: event } };
const description =
  'As server-sent events: those there are, then those that come, by their kinds audit, phase and notice; with Last-Event-ID only those after it.';

/** What happened to flows, and who asked for it. */
export function addEventsRoutes(app: ApiScope, { service, streams, keepAliveMs }: ApiParts): void {
  const send = async (of: Partial<FlowKey>, request: FastifyRequest, reply: FastifyReply) => {
    const { kind, limit } = request.query as EventQuery;
    const query = { kind, limit };
    const wanted = preferredType(request.headers.accept, ['application/json', serverEventType]);
    if (wanted !== serverEventType) return reply.send([...(await service.events(of, query))]);
    const after = request.headers['last-event-id'];
    const chunks = (signal: AbortSignal) =>
      encodeServerEvents(followed(service, { of, query, after: String(after), signal }), keepAliveMs);
    return streams.send(reply, { type: serverEventType, chunks });
  };

  app.get(
    '/kflows/v1/:namespace/:jobId/events',
    {
      config: { role: 'view' },
      schema: {
        operationId: 'listFlowEvents',
        summary: 'What happened to a flow',
        description,
        tags: ['events'],
        params: flowParams,
        querystring: eventQuerySchema,
        response: { 200: answer, ...problemsOf(400, 404) },
      },
    },
    async (request, reply) => {
      // of one that is gone they are kept; of one that never was there are none
      const any = await service.events(request.params, { limit: 1 });
      if (any.length === 0) await service.status(request.params);
      return send(request.params, request, reply);
    },
  );

  app.get(
    '/kflows/events/v1',
    {
      config: { role: 'view' },
      schema: {
        operationId: 'listEvents',
        summary: 'What happened to flows, those included that are no more',
        description: `${description} Those of all namespaces are for the role admin.`,
        tags: ['events'],
        querystring: namespaceQuery.extend(eventQuerySchema.shape),
        response: { 200: answer, ...problemsOf(400) },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const namespace = namespaceFor(caller, request.query.namespace);
      if (namespace === undefined) assertRole(caller, 'admin');
      return send(namespace === undefined ? {} : { namespace }, request, reply);
    },
  );
}

interface Followed {
  readonly of: Partial<FlowKey>;
  readonly query: EventQuery;
  /** Id of the last one that the client has. */
  readonly after: string;
  readonly signal: AbortSignal;
}

/** Those there are and those that come, each once: it is listened before the past is read. */
async function* followed(service: FlowService, { of, query, after, signal }: Followed): AsyncGenerator<ServerEvent> {
  const coming = service.followEvents(of, signal)[Symbol.asyncIterator]();
  const first = coming.next();
  // Thrown where it is awaited, which may be after the past could not be read.
  first.catch(() => undefined);
  const past = await service.events(of, query);
  const sent = new Set(past.map(({ id }) => id));
  const known = past.findIndex(({ id }) => id === after);
  for (const each of past.slice(known + 1)) yield toServerEvent(each);
  for (let got = await first; got.done !== true; got = await coming.next()) {
    const { value } = got;
    const isWanted = query.kind === undefined || value.kind === query.kind;
    if (isWanted && !sent.has(value.id)) yield toServerEvent(value);
  }
}

function toServerEvent(event: FlowEventView): ServerEvent {
  return { name: event.kind, id: event.id, data: event };
}
