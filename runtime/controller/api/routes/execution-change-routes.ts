import { z } from 'zod';
import {
  approveRequestSchema,
  archiveRequestSchema,
  cancelExecutionSchema,
  endStepSchema,
  executionArchiveSchema,
  restoreRequestSchema,
  resumeRequestSchema,
  terminateExecutionSchema,
} from '../../../api-contract/execution-changes';
import { executionSchema } from '../../../api-contract/execution-status';
import { type ApiScope, changeRoute, type ExecutionParts, readRoute } from './api-route';
import { commentQuery, requesterOf } from './flow-change';
import { executionParams, jsonResponse, namespaceParams, valueLimit } from './route-schemas';

const path = '/executions/v1/:namespace/:execution';

const change = {
  role: 'operate',
  tag: 'executions',
  params: executionParams,
  querystring: commentQuery,
  problems: [400, 404, 409, 415, 422],
} as const;
const accepted = { 202: jsonResponse('the change is accepted', executionSchema) };

/** Routes that change executions. */
export function addExecutionChangeRoutes(app: ApiScope, parts: ExecutionParts): void {
  addEndRoutes(app, parts);
  addContinuation(app, parts);
  addStepRoutes(app, parts);
  addArchiveRoutes(app, parts);
}

function addEndRoutes(app: ApiScope, { executions }: ExecutionParts): void {
  app.post(
    `${path}/cancel`,
    changeRoute({
      ...change,
      operationId: 'cancelExecution',
      summary: 'Cancel an execution: running tasks are told to end, then the finally step runs',
      body: cancelExecutionSchema,
      responses: accepted,
    }),
    async (request, reply) => {
      const { comment: _, ...cancel } = request.body;
      return reply.code(202).send(await executions.cancel(request.params, cancel, requesterOf(request)));
    },
  );

  app.post(
    `${path}/terminate`,
    changeRoute({
      ...change,
      operationId: 'terminateExecution',
      summary: 'End an execution at once',
      body: terminateExecutionSchema,
      responses: accepted,
    }),
    async (request, reply) => reply.code(202).send(await executions.terminate(request.params, requesterOf(request))),
  );

  app.delete(
    path,
    changeRoute({
      ...change,
      role: 'admin',
      operationId: 'deleteExecution',
      summary: 'Delete an execution that has ended, with its values',
      responses: { 200: jsonResponse('it is deleted', z.object({ namespace: z.string(), execution: z.string() })) },
      problems: [400, 404, 409],
    }),
    async (request) => {
      await executions.delete(request.params, requesterOf(request));
      return request.params;
    },
  );
}

function addContinuation(app: ApiScope, { executions }: ExecutionParts): void {
  const continued = changeRoute({
    ...change,
    operationId: 'resumeExecution',
    summary: 'Continue a failed or stopped execution with the steps that have not succeeded',
    body: resumeRequestSchema,
    responses: accepted,
  });
  app.post(`${path}/resume`, { ...continued, bodyLimit: valueLimit }, async (request, reply) => {
    const { comment: _, ...resume } = request.body;
    return reply.code(202).send(await executions.resume(request.params, resume, requesterOf(request)));
  });
}

function addStepRoutes(app: ApiScope, { executions }: ExecutionParts): void {
  app.post(
    `${path}/approve`,
    changeRoute({
      ...change,
      operationId: 'approveStep',
      summary: 'Approve or reject a step that waits for a decision',
      body: approveRequestSchema,
      responses: accepted,
    }),
    async (request, reply) => {
      const { comment: _, ...decision } = request.body;
      return reply.code(202).send(await executions.approve(request.params, decision, requesterOf(request)));
    },
  );

  const end = changeRoute({
    ...change,
    operationId: 'endStep',
    summary: 'End a running step in place of its worker, or a wait before its time',
    body: endStepSchema,
    responses: accepted,
  });
  app.post(`${path}/end`, { ...end, bodyLimit: valueLimit }, async (request, reply) => {
    const { comment: _, ...ended } = request.body;
    return reply.code(202).send(await executions.endStep(request.params, ended, requesterOf(request)));
  });
}

function addArchiveRoutes(app: ApiScope, { executions }: ExecutionParts): void {
  app.get(
    `${path}/archive`,
    readRoute({
      role: 'operate', // it has every value
      tag: 'executions',
      params: executionParams,
      operationId: 'archiveExecution',
      summary: 'Get everything about an execution as one document',
      responses: { 200: jsonResponse('the archive', executionArchiveSchema) },
      problems: [400, 404],
    }),
    async (request) => executions.archive(request.params),
  );

  app.post(
    `${path}/archive`,
    changeRoute({
      ...change,
      operationId: 'storeExecutionArchive',
      summary: 'Write everything about an execution into the object store of the controller',
      body: archiveRequestSchema,
      responses: { 201: jsonResponse('it is written', archiveRequestSchema.pick({ uri: true })) },
      responseHeaders: { Location: 'the URI' },
      problems: [400, 404, 415],
    }),
    async (request, reply) => {
      const { uri } = request.body;
      await executions.storeArchive(uri, await executions.archive(request.params));
      return reply.code(201).header('location', uri).send({ uri });
    },
  );

  const restore = changeRoute({
    ...change,
    params: namespaceParams,
    operationId: 'restoreExecution',
    summary: 'Store an archived execution, which then is stopped',
    body: restoreRequestSchema,
    responses: { 201: jsonResponse('it is stored', executionSchema) },
    problems: [400, 409, 413, 415, 422],
  });
  app.post('/executions/restore/v1/:namespace', { ...restore, bodyLimit: valueLimit }, async (request, reply) => {
    const { archive: given, uri = '', id } = request.body;
    const archive = given ?? (await executions.loadArchive(uri));
    const restored = { archive, ...(id === undefined ? {} : { id }) };
    return reply.code(201).send(await executions.restore(request.params.namespace, restored, requesterOf(request)));
  });
}
