import { changedFlowSchema } from '../../../api-contract/flow-changes';
import type { FlowService } from '../../flows/ports/flow-service';
import { namespaceFor } from '../access/caller';
import { callerOf } from '../access/guard-routes';
import { requesterOf } from '../access/requester-of';
import type { ApiScope } from '../http/api-scope';
import { documentOf } from '../http/text-bodies';
import { changeHeaders, commentQuery, flowParams, jsonAnswer, namespaceQuery, problemsOf } from './route-schemas';
import { outcomeHeaders, withOutcome } from './with-outcome';

/** Bytes of a document, which is far more than Temporal or a ConfigMap would take: neither is given one. */
const documentLimit = 32 * 1024 * 1024;

/** Documents that become flows, and that change them. */
export function addSubmitRoutes(app: ApiScope, service: FlowService): void {
  app.post(
    '/kflows/v1/:namespace/:jobId',
    {
      config: { role: 'operate', takesTopology: true, headers: outcomeHeaders },
      bodyLimit: documentLimit,
      schema: {
        operationId: 'submitFlow',
        summary: 'Start a flow, or go on with one that was stopped',
        description: 'The same document again changes nothing. Another one is refused: that would be an update.',
        tags: ['flows'],
        params: flowParams,
        querystring: commentQuery,
        headers: changeHeaders,
        response: {
          200: jsonAnswer('it runs with this document already', changedFlowSchema),
          201: jsonAnswer('it was started, or goes on', changedFlowSchema),
          ...problemsOf(400, 409, 413, 415, 422),
        },
      },
    },
    async (request, reply) => {
      const flow = request.params;
      const result = await service.submit(flow, documentOf(request), requesterOf(request));
      const status = withOutcome(reply, result);
      if (result.outcome === 'unchanged') return reply.code(200).send(status);
      return reply.code(201).header('location', `/kflows/v1/${flow.namespace}/${flow.jobId}`).send(status);
    },
  );

  app.post(
    '/kflows/update/v1',
    {
      config: { role: 'operate', takesTopology: true, headers: outcomeHeaders },
      bodyLimit: documentLimit,
      schema: {
        operationId: 'updateFlow',
        summary: 'Change a flow that runs',
        description:
          'The flow is the one with the jobId of the document, in the namespace of the query, else of the document, else in the only namespace that has it.',
        tags: ['flows'],
        querystring: namespaceQuery.extend(commentQuery.shape),
        headers: changeHeaders,
        response: {
          200: jsonAnswer('the update is taken', changedFlowSchema),
          ...problemsOf(400, 404, 409, 413, 415, 422),
        },
      },
    },
    async (request, reply) => {
      const namespace = namespaceFor(callerOf(request), request.query.namespace);
      return withOutcome(reply, await service.update(namespace, documentOf(request), requesterOf(request)));
    },
  );
}
