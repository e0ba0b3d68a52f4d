import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { scheduleSchema, startedExecutionSchema, startRequestSchema } from '../../../api-contract/execution-changes';
import type { ExecutionKey } from '../../../api-contract/execution-key';
import { executionPhases } from '../../../api-contract/execution-phase';
import {
  type ExecutionDetail,
  type ExecutionQuery,
  executionDetailSchema,
  executionQuerySchema,
  executionSchema,
  traceEntrySchema,
  waitQuerySchema,
} from '../../../api-contract/execution-status';
import { namespaceFor } from '../access/caller';
import { callerOf } from '../http/guard-routes';
import { preferredType } from '../http/request-content';
import { encodeServerEvents, serverEventType } from '../http/server-events';
import { type ApiScope, changeRoute, type ExecutionParts, readRoute } from './api-route';
import { commentQuery, requesterOf } from './flow-change';
import { sendPage } from './next-page';
import { executionParams, jsonResponse, namespaceParams, valueLimit } from './route-schemas';

const path = '/executions/v1/:namespace/:execution';

const common = { role: 'view', tag: 'executions', problems: [400, 404] } as const;

/** Routes that start, list and show executions. */
export function addExecutionRoutes(app: ApiScope, parts: ExecutionParts): void {
  addStartRoute(app, parts);
  addListRoutes(app, parts);
  addShowRoutes(app, parts);
  addWaitRoute(app, parts);
}

function addStartRoute(app: ApiScope, { executions }: ExecutionParts): void {
  const start = changeRoute({
    role: 'operate',
    tag: 'executions',
    operationId: 'startExecution',
    summary: 'Start an execution of a task flow, or set a schedule that starts executions',
    description: 'If an execution with this `id` exists, nothing is started. With `schedule`, `id` names the schedule.',
    params: namespaceParams,
    querystring: commentQuery,
    body: startRequestSchema,
    responses: {
      200: jsonResponse('an execution with this id exists', startedExecutionSchema),
      201: jsonResponse(
        'the execution is started, or the schedule is set',
        z.union([startedExecutionSchema, scheduleSchema]),
      ),
    },
    problems: [400, 409, 413, 415, 422],
  });
  app.post('/executions/v1/:namespace', { ...start, bodyLimit: valueLimit }, async (request, reply) => {
    const { namespace } = request.params;
    const { comment: _, schedule, ...begun } = request.body;
    const requester = requesterOf(request);
    if (schedule !== undefined) {
      return reply.code(201).send(await executions.schedule(namespace, { ...begun, schedule }, requester));
    }
    const { outcome, execution, warnings } = await executions.start(namespace, begun, requester);
    const started = { ...execution, outcome, ...(warnings === undefined ? {} : { warnings: [...warnings] }) };
    if (outcome === 'attached') return reply.code(200).send(started);
    return reply.code(201).header('location', pathOf(execution)).send(started);
  });
}

function addListRoutes(app: ApiScope, { executions }: ExecutionParts): void {
  const lists = {
    ...common,
    querystring: executionQuerySchema,
    responses: { 200: jsonResponse('one page, the newest first', z.array(executionSchema)) },
    responseHeaders: {
      'Kflow-Continue': 'start of the next page; absent on the last page',
      Link: 'the next page, with rel="next"',
    },
  } as const;
  const list = async (namespace: string | undefined, query: ExecutionQuery, reply: FastifyReply) => {
    const page = await executions.list(namespace, query);
    return sendPage(reply, page.executions, page.continue);
  };

  app.get(
    '/executions/v1',
    readRoute({ ...lists, operationId: 'listAllExecutions', summary: 'List the executions of all namespaces' }),
    async (request, reply) => list(namespaceFor(callerOf(request), undefined), request.query, reply),
  );

  app.get(
    '/executions/v1/:namespace',
    readRoute({
      ...lists,
      operationId: 'listExecutions',
      summary: 'List the executions of a namespace',
      params: namespaceParams,
    }),
    async (request, reply) => list(request.params.namespace, request.query, reply),
  );
}

function addShowRoutes(app: ApiScope, { executions, streams, keepAliveMs }: ExecutionParts): void {
  const watch = async (key: ExecutionKey, reply: FastifyReply): Promise<FastifyReply> => {
    await executions.get(key); // throws execution-missing before the response begins
    const chunks = (signal: AbortSignal) =>
      encodeServerEvents(statusEvents(executions.follow(key, signal)), keepAliveMs);
    return streams.send(reply, { type: serverEventType, chunks });
  };
  const of = {
    ...common,
    params: executionParams,
    description: 'As server-sent events: one event `status` for each change, until the execution has ended.',
  } as const;
  const event = { schema: z.string().describe('server-sent events with an ExecutionDetail as data') };
  const one = jsonResponse('the execution', executionDetailSchema);

  app.get(
    path,
    readRoute({
      ...of,
      operationId: 'getExecution',
      summary: 'Get an execution with its steps',
      responses: { 200: { ...one, content: { ...one.content, [serverEventType]: event } } },
    }),
    async (request, reply) => {
      const type = preferredType(request.headers.accept, ['application/json', serverEventType]);
      return type === serverEventType ? watch(request.params, reply) : executions.get(request.params);
    },
  );

  app.get(
    `${path}/watch`,
    readRoute({
      ...of,
      operationId: 'watchExecution',
      summary: 'Watch an execution',
      responses: { 200: { description: 'the events', content: { [serverEventType]: event } } },
    }),
    async (request, reply) => watch(request.params, reply),
  );

  app.get(
    `${path}/trace`,
    readRoute({
      ...common,
      params: executionParams,
      operationId: 'traceExecution',
      summary: 'List everything that happened to an execution and its steps',
      responses: { 200: jsonResponse('the oldest first', z.array(traceEntrySchema)) },
    }),
    async (request) => [...(await executions.trace(request.params))],
  );
}

function addWaitRoute(app: ApiScope, { executions }: ExecutionParts): void {
  app.get(
    `${path}/wait`,
    readRoute({
      ...common,
      params: executionParams,
      querystring: waitQuerySchema,
      operationId: 'waitForExecution',
      summary: 'Wait until an execution has ended',
      responses: {
        200: jsonResponse('the ended execution', executionDetailSchema),
        202: jsonResponse('it has not ended in this time; ask again', executionDetailSchema),
      },
    }),
    async (request, reply) => {
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      const found = await executions.wait(request.params, request.query.seconds * 1_000, gone.signal);
      return reply.code(executionPhases[found.status].isClosed ? 200 : 202).send(found);
    },
  );
}

async function* statusEvents(details: AsyncIterable<ExecutionDetail>) {
  for await (const detail of details) yield { name: 'status', data: detail };
}

function pathOf({ namespace, execution }: ExecutionKey): string {
  return `/executions/v1/${namespace}/${execution}`;
}
