import { changedFlowSchema } from '../../../api-contract/flow-changes';
import { namespaceFor } from '../access/caller';
import { callerOf } from '../http/guard-routes';
import { documentOf } from '../http/request-content';
import { type ApiParts, type ApiScope, changeRoute } from './api-route';
import { commentQuery, outcomeHeaders, requesterOf, withOutcome } from './flow-change';
import { flowParams, jsonResponse, namespaceQuery } from './route-schemas';

/**
 * Maximum size of a request with a document: twice the maximum size of a document, so that the response to a larger document
 * can explain the limit.
 */
const bodyLimit = 32 * 1024 * 1024;

const common = { role: 'operate', tag: 'flows', takesTopology: true, responseHeaders: outcomeHeaders } as const;

/** Routes that start flows or update their documents. */
export function addSubmitRoutes(app: ApiScope, { service }: ApiParts): void {
  const submit = changeRoute({
    ...common,
    operationId: 'submitFlow',
    summary: 'Start a flow, or resume a stopped one',
    description: 'Submitting the same document again has no effect. A different document is rejected: use an update.',
    params: flowParams,
    querystring: commentQuery,
    responses: {
      200: jsonResponse('the flow is already running with this document', changedFlowSchema),
      201: jsonResponse('the flow is started or resumed', changedFlowSchema),
    },
    problems: [400, 409, 413, 415, 422],
  });
  app.post('/kflows/v1/:namespace/:jobId', { ...submit, bodyLimit }, async (request, reply) => {
    const flow = request.params;
    const result = await service.submit(flow, documentOf(request), requesterOf(request));
    const status = withOutcome(reply, result);
    if (result.outcome === 'unchanged') return reply.code(200).send(status);
    return reply.code(201).header('location', `/kflows/v1/${flow.namespace}/${flow.jobId}`).send(status);
  });

  const update = changeRoute({
    ...common,
    operationId: 'updateFlow',
    summary: 'Update a running flow to a new document',
    description:
      'Updates the flow with the jobId of the document, in the namespace of the query, else of the document, else in the only namespace that has such a flow.',
    querystring: namespaceQuery.extend(commentQuery.shape),
    responses: { 200: jsonResponse('the update is accepted', changedFlowSchema) },
    problems: [400, 404, 409, 413, 415, 422],
  });
  app.post('/kflows/update/v1', { ...update, bodyLimit }, async (request, reply) => {
    const namespace = namespaceFor(callerOf(request), request.query.namespace);
    return withOutcome(reply, await service.update(namespace, documentOf(request), requesterOf(request)));
  });
}
