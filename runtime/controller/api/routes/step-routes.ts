import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { renderExactJson } from '../../../../lib/topology/avro/exact-json';
import {
  droppedSchema,
  dropRequestSchema,
  editRequestSchema,
  nextRequestSchema,
  runToRequestSchema,
  simulateRequestSchema,
  stepListSchema,
  stepQuerySchema,
  stepRequestSchema,
  stepSchema,
  stepsSchema,
} from '../../../api-contract/steps';
import type { FlowService } from '../../flows/ports/flow-service';
import { assertNamespace } from '../access/caller';
import { callerOf } from '../http/guard-routes';
import { type ApiScope, changeRoute, readRoute } from './api-route';
import { commentQuery, requesterOf } from './flow-change';
import { flowParams, jsonResponse } from './route-schemas';

const path = '/kflows/v1/:namespace/:jobId/steps';
const functionPath = `${path}/:function`;
const functionParams = flowParams.extend({ function: z.string().max(100) });

interface StepParts {
  readonly service: Pick<FlowService, 'steps'>;
}

/** Records may contain what not everybody who sees a flow may see. */
const read = { role: 'operate', tag: 'steps', problems: [400, 404, 409, 422] } as const;
const change = {
  role: 'operate',
  tag: 'steps',
  querystring: commentQuery,
  problems: [400, 404, 409, 415, 422],
} as const;
const moved = jsonResponse('the functions that were run', stepsSchema);
const ran = jsonResponse('the result; `waiting` if there is none after half a minute', stepSchema);

/** Routes for the records of a flow that runs step by step. */
export function addStepRoutes(app: ApiScope, parts: StepParts): void {
  addReads(app, parts);
  addRuns(app, parts);
  addMoves(app, parts);
}

function addReads(app: ApiScope, { service: { steps } }: StepParts): void {
  app.get(
    path,
    readRoute({
      ...read,
      params: flowParams,
      operationId: 'listSteps',
      summary: 'List the folders of a flow that runs step by step, and their objects',
      responses: { 200: jsonResponse('up to a thousand objects of each function', stepListSchema) },
    }),
    async (request) => steps.list(request.params),
  );

  app.get(
    functionPath,
    readRoute({
      ...read,
      params: functionParams,
      querystring: stepQuerySchema,
      operationId: 'getStep',
      summary: 'Get the records of an object and what the function made of them',
      responses: { 200: jsonResponse('the step', stepSchema) },
    }),
    async (request, reply) => exact(reply, await steps.show(request.params, { ...request.params, ...request.query })),
  );
}

function addRuns(app: ApiScope, { service: { steps } }: StepParts): void {
  app.post(
    `${functionPath}/step`,
    changeRoute({
      ...change,
      params: functionParams,
      operationId: 'step',
      summary: 'Run a function on records, or on an object again',
      body: stepRequestSchema,
      responses: { 200: ran },
    }),
    async (request, reply) => {
      const of = { function: request.params.function, ...request.body };
      return exact(reply, await steps.step(request.params, of, requesterOf(request)));
    },
  );

  app.post(
    `${functionPath}/edit`,
    changeRoute({
      ...change,
      params: functionParams,
      operationId: 'editStep',
      summary: 'Replace the records of an object, and run the function on them',
      body: editRequestSchema,
      responses: { 200: ran },
    }),
    async (request, reply) => {
      const of = { function: request.params.function, ...request.body };
      return exact(reply, await steps.edit(request.params, of, requesterOf(request)));
    },
  );

  app.post(
    '/kflows/devstore/v1',
    changeRoute({
      ...change,
      operationId: 'simulate',
      summary: 'Run a function on what another one has made, or a source would list',
      body: simulateRequestSchema,
      responses: { 200: ran },
    }),
    async (request, reply) => {
      const { namespace, jobId, cursor, execFnId, simFnId } = request.body;
      assertNamespace(callerOf(request), namespace);
      return exact(
        reply,
        await steps.simulate({ namespace, jobId }, { cursor, execFnId, simFnId }, requesterOf(request)),
      );
    },
  );
}

function addMoves(app: ApiScope, { service: { steps } }: StepParts): void {
  app.post(
    `${functionPath}/next`,
    changeRoute({
      ...change,
      params: functionParams,
      operationId: 'nextSteps',
      summary: 'Run the next functions on the outputs of an object',
      body: nextRequestSchema,
      responses: { 200: moved },
    }),
    async (request, reply) => {
      const of = { function: request.params.function, ...request.body };
      return exact(reply, await steps.next(request.params, of, requesterOf(request)));
    },
  );

  app.post(
    `${functionPath}/run-to`,
    changeRoute({
      ...change,
      params: functionParams,
      operationId: 'runTo',
      summary: 'Run the functions between this one and another on the outputs of an object',
      body: runToRequestSchema,
      responses: { 200: moved },
    }),
    async (request, reply) => {
      const of = { function: request.params.function, ...request.body };
      return exact(reply, await steps.runTo(request.params, of, requesterOf(request)));
    },
  );

  app.post(
    `${functionPath}/drop`,
    changeRoute({
      ...change,
      params: functionParams,
      operationId: 'dropStep',
      summary: 'Remove an object and its result',
      body: dropRequestSchema,
      responses: { 200: jsonResponse('both are removed', droppedSchema) },
    }),
    async (request) => {
      const of = { function: request.params.function, ...request.body };
      await steps.drop(request.params, of, requesterOf(request));
      return { name: request.body.name };
    },
  );
}

/** Sends records with longs in full. */
function exact<T>(reply: FastifyReply, value: T): T {
  reply.serializer((payload: unknown) => renderExactJson(payload));
  return value;
}
