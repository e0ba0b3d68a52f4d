import { z } from 'zod';
import {
  endTaskSchema,
  publishEventSchema,
  type TaskEventView,
  taskEventQuerySchema,
  taskEventSchema,
  taskWorkerSchema,
} from '../../../api-contract/task-events';
import { ApiError } from '../http/api-error';
import { preferredType, readJsonBody } from '../http/request-content';
import { encodeServerEvents, serverEventType } from '../http/server-events';
import { type ApiScope, changeRoute, type ExecutionParts, readRoute } from './api-route';
import { commentQuery, requesterOf } from './flow-change';
import { jsonResponse, namespaceParams } from './route-schemas';

const path = '/executions/events/v1/:namespace';
const endedTaskSchema = z.object({ status: z.literal('ended') });
const read = { role: 'view', params: namespaceParams, problems: [400] } as const;

/** Routes for the events that steps wait for, and for task workers. */
export function addTaskEventRoutes(app: ApiScope, parts: ExecutionParts): void {
  const { executions } = parts;
  app.post(
    path,
    changeRoute({
      role: 'operate',
      tag: 'task events',
      params: namespaceParams,
      querystring: commentQuery,
      operationId: 'publishEvent',
      summary: 'Publish an event for the executions of a namespace',
      body: publishEventSchema,
      responses: { 201: jsonResponse('the event is stored', taskEventSchema) },
      problems: [400, 413, 415],
    }),
    async (request, reply) =>
      reply.code(201).send(await executions.publishEvent(request.params.namespace, request.body, requesterOf(request))),
  );
  addEventList(app, parts);
  addTaskEnd(app, parts);

  app.get(
    '/executions/workers/v1/:namespace',
    readRoute({
      ...read,
      tag: 'workers',
      operationId: 'listWorkers',
      summary: 'List the live task workers of a namespace',
      responses: { 200: jsonResponse('the workers', z.array(taskWorkerSchema)) },
    }),
    async (request) => [...(await executions.workers(request.params.namespace))],
  );
}

function addEventList(app: ApiScope, { executions, streams, keepAliveMs }: ExecutionParts): void {
  const list = jsonResponse('the oldest first', z.array(taskEventSchema));
  const event = { schema: z.string().describe('server-sent events with a TaskEvent as data') };
  app.get(
    path,
    readRoute({
      ...read,
      tag: 'task events',
      querystring: taskEventQuerySchema,
      operationId: 'listTaskEvents',
      summary: 'List or follow the events for executions, with their receipts',
      description: 'As server-sent events: the latest events, then new ones, and events again that get a receipt.',
      responses: { 200: { ...list, content: { ...list.content, [serverEventType]: event } } },
    }),
    async (request, reply) => {
      const { namespace } = request.params;
      const type = preferredType(request.headers.accept, ['application/json', serverEventType]);
      if (type !== serverEventType) return reply.send([...(await executions.events(namespace, request.query))]);
      const chunks = (signal: AbortSignal) =>
        encodeServerEvents(named(executions.followEvents(namespace, request.query, signal)), keepAliveMs);
      return streams.send(reply, { type: serverEventType, chunks });
    },
  );
}

/** The token in the body says who may report: whoever was called has no login. */
function addTaskEnd(app: ApiScope, { executions }: ExecutionParts): void {
  const route = readRoute({
    role: 'anyone',
    tag: 'workers',
    params: namespaceParams,
    operationId: 'endTask',
    summary: 'End an attempt of a task',
    description:
      'The token of the attempt is the only authorization. A request with `sync: false` has it as `kflow-token`.',
    body: endTaskSchema,
    responses: { 200: jsonResponse('the step has the result', endedTaskSchema) },
    problems: [400, 401, 409, 413, 415, 503],
  });
  app.post('/executions/results/v1/:namespace', { ...route, preValidation: readJsonBody }, async (request) => {
    const end = await executions.endTask(request.params.namespace, request.body);
    if (end === 'unknown') throw new ApiError(401, 'access-denied', 'token: is none of a task of this namespace');
    if (end === 'over') throw new ApiError(409, 'state-invalid', 'the attempt has ended already, or is canceled');
    return { status: end };
  });
}

async function* named(following: Promise<AsyncIterable<TaskEventView>>) {
  for await (const event of await following) yield { name: event.kind, id: event.id, data: event };
}
