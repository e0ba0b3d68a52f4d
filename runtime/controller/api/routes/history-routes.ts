import { z } from 'zod';
import { parseDocument } from '../../../../lib/topology/read/parse-document';
import { revisionSchema } from '../../../api-contract/flow-history';
import { preferredType } from '../http/request-content';
import { type ApiParts, type ApiScope, readRoute } from './api-route';
import { flowParams, jsonResponse, textResponse } from './route-schemas';

const path = '/kflows/v1/:namespace/:jobId';
const revision = z.coerce.number().int().min(1);
const yamlType = 'application/yaml';
const common = { role: 'view', tag: 'history', problems: [400, 404] } as const;

/** Routes for the revisions of a flow. */
export function addHistoryRoutes(app: ApiScope, { service }: ApiParts): void {
  app.get(
    `${path}/history`,
    readRoute({
      ...common,
      operationId: 'listRevisions',
      summary: 'List the revisions of a flow',
      params: flowParams,
      responses: { 200: jsonResponse('oldest first', z.array(revisionSchema)) },
    }),
    async (request) => [...(await service.history(request.params))],
  );

  app.get(
    `${path}/history/:revision`,
    readRoute({
      ...common,
      operationId: 'getRevision',
      summary: 'Get the document of a revision, with its secrets hidden',
      params: flowParams.extend({ revision }),
      responses: { 200: textResponse('YAML by default, or JSON', yamlType, 'application/json') },
    }),
    async (request, reply) => {
      const text = await service.document(request.params, request.params.revision);
      const type = preferredType(request.headers.accept, [yamlType, 'application/json']);
      return reply.type(`${type}; charset=utf-8`).send(type === yamlType ? text : toJson(text));
    },
  );

  app.get(
    `${path}/diff`,
    readRoute({
      ...common,
      operationId: 'diffRevisions',
      summary: 'Compare two revisions',
      params: flowParams,
      querystring: z.strictObject({
        from: revision.optional().describe('default: the revision before `to`'),
        to: revision.optional().describe('default: the latest revision'),
      }),
      responses: { 200: textResponse('unified diff; empty if the documents are equal', 'text/plain') },
    }),
    async (request, reply) => {
      const text = await service.diff(request.params, request.query);
      return reply.type('text/plain; charset=utf-8').send(text);
    },
  );
}

/** The document has been accepted, so it parses. */
function toJson(text: string): string {
  return `${JSON.stringify(parseDocument(text, 'document').source?.value, undefined, 2)}\n`;
}
