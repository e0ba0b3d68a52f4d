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
import { flowParams, jsonAnswer } from './route-schemas';

const path = '/kflows/v1/:namespace/:jobId';

const common = {
  role: 'operate',
  tag: 'changes',
  params: flowParams,
  querystring: commentQuery,
  problems: [400, 404, 409, 415, 422],
} as const;
const accepted = { 202: jsonAnswer('the change is accepted', flowStatusSchema) };
const updated = { 200: jsonAnswer('the new document is accepted', changedFlowSchema) };

/** Changes of a running flow other than a new document. */
export function addChangeRoutes(app: ApiScope, parts: ApiParts): void {
  const { service } = parts;
  for (const [verb, summary] of [
    ['pause', 'Pause a flow or some of its functions after the records in progress'],
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
        answers: accepted,
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
      answers: accepted,
    }),
    async (request, reply) => {
      const { function: id, from } = request.body;
      return reply.code(202).send(await service.replay(request.params, { function: id, from }, requesterOf(request)));
    },
  );
  addRevisionRoutes(app, parts);
}

/** Changes that create a revision of the document. */
function addRevisionRoutes(app: ApiScope, { service }: ApiParts): void {
  app.post(
    `${path}/scale`,
    changeRoute({
      ...common,
      operationId: 'scaleFlow',
      summary: 'Change the number of replicas of functions',
      body: scaleRequestSchema,
      answers: updated,
      answerHeaders: outcomeHeaders,
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
      answers: updated,
      answerHeaders: outcomeHeaders,
    }),
    async (request, reply) =>
      withOutcome(reply, await service.rollback(request.params, request.body.revision, requesterOf(request))),
  );
}
