import {
  changedFlowSchema,
  changeRequestSchema,
  replayRequestSchema,
  rollbackRequestSchema,
  scaleRequestSchema,
} from '../../../api-contract/flow-changes';
import { flowStatusSchema } from '../../../api-contract/flow-status';
import { type ApiParts, type ApiScope, changeRoute } from './api-route';
import { commentQuery, outcomeHeaders, requesterOf, withOutcome } from './flow-change';
import { flowParams, jsonResponse } from './route-schemas';

const path = '/kflows/v1/:namespace/:jobId';

const common = {
  role: 'operate',
  tag: 'changes',
  params: flowParams,
  querystring: commentQuery,
  problems: [400, 404, 409, 415, 422],
} as const;
const accepted = { 202: jsonResponse('the change is accepted', flowStatusSchema) };
const updated = { 200: jsonResponse('the new document is accepted', changedFlowSchema) };

/** Routes that change a running flow, except for a new document. */
export function addChangeRoutes(app: ApiScope, parts: ApiParts): void {
  const { service } = parts;
  for (const [verb, summary] of [
    ['pause', 'Pause a flow or some of its functions'],
    ['resume', 'Resume a paused flow or some of its functions'],
    ['restart', 'Restart the replicas of a flow or of some of its functions'],
  ] as const) {
    app.post(
      `${path}/${verb}`,
      changeRoute({
        ...common,
        operationId: `${verb}Flow`,
        summary,
        body: changeRequestSchema,
        responses: accepted,
      }),
      async (request, reply) => {
        const { functions } = request.body;
        return reply.code(202).send(await service[verb](request.params, functions, requesterOf(request)));
      },
    );
  }

  app.post(
    `${path}/replay`,
    changeRoute({
      ...common,
      operationId: 'replayFlow',
      summary: 'Make a function re-read records that are still in its input stream',
      body: replayRequestSchema,
      responses: accepted,
    }),
    async (request, reply) => {
      const { function: id, from } = request.body;
      return reply.code(202).send(await service.replay(request.params, { function: id, from }, requesterOf(request)));
    },
  );
  addRevisionRoutes(app, parts);
}

/** Routes that create a revision. */
function addRevisionRoutes(app: ApiScope, { service }: ApiParts): void {
  app.post(
    `${path}/scale`,
    changeRoute({
      ...common,
      operationId: 'scaleFlow',
      summary: 'Change the number of replicas of functions',
      body: scaleRequestSchema,
      responses: updated,
      responseHeaders: outcomeHeaders,
    }),
    async (request, reply) =>
      withOutcome(reply, await service.scale(request.params, request.body.replicas, requesterOf(request))),
  );

  app.post(
    `${path}/rollback`,
    changeRoute({
      ...common,
      operationId: 'rollbackFlow',
      summary: 'Update a flow to one of its earlier documents',
      body: rollbackRequestSchema,
      responses: updated,
      responseHeaders: outcomeHeaders,
    }),
    async (request, reply) =>
      withOutcome(reply, await service.rollback(request.params, request.body.revision, requesterOf(request))),
  );
}
