import { z } from 'zod';
import { parseDocument } from '../../../../lib/topology/read/parse-document';
import { revisionSchema } from '../../../api-contract/flow-history';
import type { FlowService } from '../../flows/ports/flow-service';
import type { ApiScope } from '../http/api-scope';
import { preferredType } from '../http/preferred-type';
import { flowParams, jsonAnswer, problemsOf, textAnswer } from './route-schemas';

const path = '/kflows/v1/:namespace/:jobId';
const revision = z.coerce.number().int().min(1);
const yamlType = 'application/yaml';

/** The documents that a flow has had. */
export function addHistoryRoutes(app: ApiScope, service: FlowService): void {
  app.get(
    `${path}/history`,
    {
      config: { role: 'view' },
      schema: {
        operationId: 'listRevisions',
        summary: 'Every document that was accepted',
        tags: ['history'],
        params: flowParams,
        response: { 200: jsonAnswer('the oldest first', z.array(revisionSchema)), ...problemsOf(400, 404) },
      },
    },
    async (request) => [...(await service.history(request.params))],
  );

  app.get(
    `${path}/history/:revision`,
    {
      config: { role: 'view' },
      schema: {
        operationId: 'getRevision',
        summary: 'The document of a revision, its secrets hidden',
        tags: ['history'],
        params: flowParams.extend({ revision }),
        response: {
          200: textAnswer('YAML, or JSON when that is asked for', yamlType, 'application/json'),
          ...problemsOf(400, 404),
        },
      },
    },
    async (request, reply) => {
      const text = await service.document(request.params, request.params.revision);
      const type = preferredType(request.headers.accept, [yamlType, 'application/json']);
      return reply.type(`${type}; charset=utf-8`).send(type === yamlType ? text : asJson(text));
    },
  );

  app.get(
    `${path}/diff`,
    {
      config: { role: 'view' },
      schema: {
        operationId: 'diffRevisions',
        summary: 'What two revisions differ in',
        tags: ['history'],
        params: flowParams,
        querystring: z.strictObject({
          from: revision.optional().describe('left out: the one before'),
          to: revision.optional().describe('left out: the last one'),
        }),
        response: { 200: textAnswer('unified diff; empty when they are equal', 'text/plain'), ...problemsOf(400, 404) },
      },
    },
    async (request, reply) => {
      const text = await service.diff(request.params, request.query);
      return reply.type('text/plain; charset=utf-8').send(text);
    },
  );
}

/** It was accepted, so it can be read. */
function asJson(text: string): string {
  return `${JSON.stringify(parseDocument(text, 'document').source?.value, undefined, 2)}\n`;
}
