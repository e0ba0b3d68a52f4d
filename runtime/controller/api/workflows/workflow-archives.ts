import { z } from 'zod';
import {
  archiveUri,
  type ExecutionArchive,
  executionArchiveSchema,
  executionId,
} from '../../../api-contract/execution-changes';
import type { ExecutionKey } from '../../../api-contract/execution-key';
import type { ExecutionService } from '../../executions/ports/execution-service';
import { type ApiScope, changeRoute, type ExecutionParts, readRoute } from '../routes/api-route';
import { commentQuery, requesterOf } from '../routes/flow-change';
import { jsonResponse, valueLimit } from '../routes/route-schemas';
import {
  failures,
  keyOf,
  namespaceOf,
  refusal,
  sendFailure,
  successSchema,
  workflowParams,
  workflowQuery,
} from './workflow-answers';
import { definitionOf, traceOf } from './workflow-reads';
import { vectorsOf } from './workflow-vectors';

const changes = z.array(z.tuple([z.string(), z.array(z.number())]));

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

/** Where an archive is written. */
const destination = z
  .strictObject({ uri: archiveUri.optional(), bucket: z.string().min(1).optional().describe('the key is `<id>.json`') })
  .refine(({ uri, bucket }) => (uri === undefined) !== (bucket === undefined), 'must have either uri or bucket')
  .meta({ id: 'ArchiveWorkflow' });

/** An archive, or where one is. */
const restoreSchema = workflowArchiveSchema
  .partial()
  .extend({ uri: archiveUri.optional().describe('where the archive is') })
  .superRefine(({ uri, ...archive }, context) => {
    if (uri !== undefined || Object.keys(archive).length === 0) return;
    for (const key of Object.keys(workflowArchiveSchema.shape)) {
      if (!(key in archive)) context.addIssue({ code: 'custom', path: [key], message: 'is missing' });
    }
  })
  .meta({ id: 'RestoreWorkflow' });

/** Routes that archive and restore executions, as workflows, with matrices and vectors (docs/api.md). */
export function addWorkflowArchives(app: ApiScope, parts: ExecutionParts): void {
  addArchives(app, parts);
  addRestore(app, parts);
}

function addArchives(app: ApiScope, { executions }: ExecutionParts): void {
  const archiveOf = async (key: ExecutionKey) => {
    const record = await executions.record(key);
    const vectors = vectorsOf(record);
    return {
      ...definitionOf(record),
      S: traceOf(vectors, 'S'),
      A: traceOf(vectors, 'A'),
      execution: await executions.archive(key),
    };
  };

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
      const archive = await archiveOf(key);
      reply.header('content-disposition', `attachment; filename="${key.execution}.json"`);
      return archive;
    },
  );

  app.post(
    '/workflows/:workflow/archive',
    {
      ...changeRoute({
        role: 'operate',
        tag: 'workflows',
        params: workflowParams,
        querystring: workflowQuery.extend(commentQuery.shape),
        body: destination,
        operationId: 'storeWorkflowArchive',
        summary: 'Write everything about an execution into the object store of the controller',
        responses: { 200: jsonResponse('it is written', successSchema), ...failures },
        responseHeaders: { Location: 'the URI' },
        problems: [415],
      }),
      errorHandler: sendFailure,
    },
    async (request, reply) => {
      const key = keyOf(request);
      const { bucket, uri = `s3://${bucket}/${key.execution}.json` } = request.body;
      await executions.storeArchive(uri, await archiveOf(key));
      reply.header('location', uri);
      return { status: 'Success' as const, workflow: key.execution, uri };
    },
  );
}

function addRestore(app: ApiScope, { executions }: ExecutionParts): void {
  app.post(
    '/workflows/restore',
    {
      ...changeRoute({
        role: 'operate',
        tag: 'workflows',
        querystring: workflowQuery.extend({
          ...commentQuery.shape,
          workflow: executionId.optional().describe('id of the restored execution; default: a new one'),
          uri: archiveUri.optional().describe('where the archive is, in place of a body'),
        }),
        body: restoreSchema,
        operationId: 'restoreWorkflow',
        summary: 'Store an archived execution, which then is terminated',
        description: 'The body is an archive, or says in `uri` where one is in the object store of the controller.',
        responses: { 200: jsonResponse('it is stored', successSchema), ...failures },
        problems: [413, 415],
      }),
      bodyLimit: valueLimit,
      errorHandler: sendFailure,
    },
    async (request) => {
      const { workflow: id, uri } = request.query;
      const archive = await givenArchive(executions, uri === undefined ? request.body : { uri });
      const restored = { archive, ...(id === undefined ? {} : { id }) };
      const { execution } = await executions.restore(namespaceOf(request), restored, requesterOf(request));
      return { status: 'Success' as const, workflow: execution };
    },
  );
}

async function givenArchive(
  executions: ExecutionService,
  body: { readonly execution?: ExecutionArchive; readonly uri?: string },
): Promise<ExecutionArchive> {
  if (body.uri !== undefined) return executions.loadArchive(body.uri);
  if (body.execution !== undefined) return body.execution;
  throw refusal('body: send an archive, or name one with uri: s3://BUCKET/KEY');
}
