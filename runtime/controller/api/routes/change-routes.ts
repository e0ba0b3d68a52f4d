import {
  changedFlowSchema,
  changeRequestSchema,
  replayRequestSchema,
  rollbackRequestSchema,
  scaleRequestSchema,
} from '../../../api-contract/flow-changes';
import { flowStatusSchema } from '../../../api-contract/flow-status';
import type { FlowService } from '../../flows/ports/flow-service';
import { requesterOf } from '../access/requester-of';
import type { ApiScope } from '../http/api-scope';
import { readJsonBody } from '../http/text-bodies';
import { changeHeaders, commentQuery, flowParams, jsonAnswer, problemsOf } from './route-schemas';
import { outcomeHeaders, withOutcome } from './with-outcome';

const path = '/kflows/v1/:namespace/:jobId';

const common = { tags: ['changes'], params: flowParams, querystring: commentQuery, headers: changeHeaders };
const answers = { 202: jsonAnswer('it is taken', flowStatusSchema), ...problemsOf(400, 404, 409, 415, 422) };
const results = { 200: jsonAnswer('it is taken', changedFlowSchema), ...problemsOf(400, 404, 409, 415, 422) };

/** What may be done to a flow besides another document. */
export function addChangeRoutes(app: ApiScope, service: FlowService): void {
  for (const [what, summary] of [
    ['pause', 'Have a flow, or functions of it, finish what they hold and then rest'],
    ['resume', 'Have a paused flow, or functions of it, go on'],
    ['restart', 'Start the replicas of a flow, or of functions of it, anew'],
  ] as const) {
    app.post(
      `${path}/${what}`,
      {
        config: { role: 'operate' },
        preValidation: readJsonBody,
        schema: { ...common, operationId: `${what}Flow`, summary, body: changeRequestSchema, response: answers },
      },
      async (request, reply) => {
        const { functions } = request.body;
        return reply.code(202).send(await service[what](request.params, functions, requesterOf(request)));
      },
    );
  }
  addReplayRoute(app, service);
  addRevisionRoutes(app, service);
}

function addReplayRoute(app: ApiScope, service: FlowService): void {
  app.post(
    `${path}/replay`,
    {
      config: { role: 'operate' },
      preValidation: readJsonBody,
      schema: {
        ...common,
        operationId: 'replayFlow',
        summary: 'Have a function read kept records again',
        body: replayRequestSchema,
        response: answers,
      },
    },
    async (request, reply) => {
      const { function: id, from } = request.body;
      return reply.code(202).send(await service.replay(request.params, { function: id, from }, requesterOf(request)));
    },
  );
}

/** Those that make a revision of the document. */
function addRevisionRoutes(app: ApiScope, service: FlowService): void {
  app.post(
    `${path}/scale`,
    {
      config: { role: 'operate', headers: outcomeHeaders },
      preValidation: readJsonBody,
      schema: {
        ...common,
        operationId: 'scaleFlow',
        summary: 'Change how many replicas functions have',
        body: scaleRequestSchema,
        response: results,
      },
    },
    async (request, reply) =>
      withOutcome(reply, await service.scale(request.params, request.body.replicas, requesterOf(request))),
  );

  app.post(
    `${path}/rollback`,
    {
      config: { role: 'operate', headers: outcomeHeaders },
      preValidation: readJsonBody,
      schema: {
        ...common,
        operationId: 'rollbackFlow',
        summary: 'Update a flow to an earlier document of it',
        body: rollbackRequestSchema,
        response: results,
      },
    },
    async (request, reply) =>
      withOutcome(reply, await service.rollback(request.params, request.body.revision, requesterOf(request))),
  );
}
