import { z } from 'zod';
import { executionArchiveSchema, executionId } from '../../../api-contract/execution-changes';
import { type ApiScope, changeRoute, type ExecutionParts, readRoute } from '../routes/api-route';
import { commentQuery, requesterOf } from '../routes/flow-change';
import { jsonResponse } from '../routes/route-schemas';
import {
  failures,
  keyOf,
  namespaceOf,
  sendFailure,
  successSchema,
  workflowParams,
  workflowQuery,
} from './workflow-answers';
import { definitionOf, traceOf } from './workflow-reads';
import { vectorsOf } from './workflow-vectors';

const changes = z.array(z.tuple([z.string(), z.array(z.number())]));

/** Maximum size of a request with an archive, which contains the values of the execution. */
const archiveLimit = 128 * 1024 * 1024;

/** The definition and the changes of the vectors, and beside them everything that a restore needs. */
const workflowArchiveSchema = z
  .strictObject({
    F: z.array(z.array(z.number())),
    T: z.array(z.array(z.unknown())),
    S: changes,
    A: changes,
    execution: executionArchiveSchema.describe('input, outputs and the rest of the execution'),
  })
  .meta({ id: 'WorkflowArchive' });

/** Routes that archive and restore executions, as workflows, with matrices and vectors (docs/api.md). */
export function addWorkflowArchives(app: ApiScope, { executions }: ExecutionParts): void {
  app.get(
    '/workflows/:workflow/archive',
    {
      ...readRoute({
        role: 'operate', // it has every value
        tag: 'workflows',
        params: workflowParams,
        querystring: workflowQuery,
        operationId: 'archiveWorkflow',
        summary: 'Get everything about an execution as a file',
        responses: { 200: jsonResponse('the archive', workflowArchiveSchema), ...failures },
        responseHeaders: { 'Content-Disposition': 'the name of the file' },
        problems: [],
      }),
      errorHandler: sendFailure,
    },
    async (request, reply) => {
      const key = keyOf(request);
      const record = await executions.record(key);
      const vectors = vectorsOf(record);
      reply.header('content-disposition', `attachment; filename="${key.execution}.json"`);
      return {
        ...definitionOf(record),
        S: traceOf(vectors, 'S'),
        A: traceOf(vectors, 'A'),
        execution: await executions.archive(key),
      };
    },
  );

  app.post(
    '/workflows/restore',
    {
      ...changeRoute({
        role: 'operate',
        tag: 'workflows',
        querystring: workflowQuery.extend({
          ...commentQuery.shape,
          workflow: executionId.optional().describe('id of the restored execution; default: a new one'),
        }),
        body: workflowArchiveSchema,
        operationId: 'restoreWorkflow',
        summary: 'Store an archived execution, which then is terminated',
        responses: { 200: jsonResponse('it is stored', successSchema), ...failures },
        problems: [413, 415],
      }),
      bodyLimit: archiveLimit,
      errorHandler: sendFailure,
    },
    async (request) => {
      const { workflow: id } = request.query;
      const restored = { archive: request.body.execution, ...(id === undefined ? {} : { id }) };
      const { execution } = await executions.restore(namespaceOf(request), restored, requesterOf(request));
      return { status: 'Success' as const, workflow: execution };
    },
  );
}
