import { z } from 'zod';
import {
  publishedRevisionSchema,
  publishRequestSchema,
  revisionChangeSchema,
  revisionDetailSchema,
  revisionQuerySchema,
  revisionSchema,
} from '../../../api-contract/revisions';
import { namespaceFor } from '../access/caller';
import { callerOf } from '../http/guard-routes';
import { type ApiScope, changeRoute, type RevisionParts, readRoute } from './api-route';
import { commentQuery, requesterOf } from './flow-change';
import { jsonResponse, namespaceParams, revisionParams } from './route-schemas';

const path = '/revisions/v1/:namespace/:revision';

/** A document is at most 16 MiB; in JSON its text may take twice as much. */
const bodyLimit = 32 * 1024 * 1024;

const tag = 'revisions';
const change = { role: 'operate', tag, querystring: commentQuery } as const;

/** Routes for published components. */
export function addRevisionRoutes(app: ApiScope, parts: RevisionParts): void {
  addPublishRoute(app, parts);
  addReadRoutes(app, parts);
  addStateRoutes(app, parts);
}

function addPublishRoute(app: ApiScope, { revisions }: RevisionParts): void {
  const publish = changeRoute({
    ...change,
    operationId: 'publishRevision',
    summary: 'Publish a component as a revision',
    description:
      'Without an id in the document, the revision is the one of the group with this tag. A draft is replaced; of a released revision only documentation and test wiring can change.',
    params: namespaceParams,
    body: publishRequestSchema,
    responses: {
      200: jsonResponse('the revision existed', publishedRevisionSchema),
      201: jsonResponse('the revision is new', publishedRevisionSchema),
    },
    problems: [400, 409, 413, 415, 422],
  });
  app.post('/revisions/v1/:namespace', { ...publish, bodyLimit }, async (request, reply) => {
    const { namespace } = request.params;
    const { comment: _, ...body } = request.body;
    const published = await revisions.publish(namespace, body, requesterOf(request));
    if (published.outcome !== 'created') return reply.code(200).send(published);
    return reply.code(201).header('location', `/revisions/v1/${namespace}/${published.id}`).send(published);
  });
}

function addReadRoutes(app: ApiScope, { revisions }: RevisionParts): void {
  const list = {
    role: 'view',
    tag,
    querystring: revisionQuerySchema,
    responses: { 200: jsonResponse('by namespace, group and time of publication', z.array(revisionSchema)) },
    problems: [400],
  } as const;

  app.get(
    '/revisions/v1',
    readRoute({ ...list, operationId: 'listAllPublishedRevisions', summary: 'List the revisions of all namespaces' }),
    async (request) => [...(await revisions.list(namespaceFor(callerOf(request), undefined), request.query))],
  );

  app.get(
    '/revisions/v1/:namespace',
    readRoute({
      ...list,
      operationId: 'listPublishedRevisions',
      summary: 'List the revisions of a namespace',
      params: namespaceParams,
    }),
    async (request) => [...(await revisions.list(request.params.namespace, request.query))],
  );

  app.get(
    path,
    readRoute({
      role: 'view',
      tag,
      operationId: 'getPublishedRevision',
      summary: 'Get a revision with its document',
      params: revisionParams,
      responses: { 200: jsonResponse('the revision', revisionDetailSchema) },
      problems: [400, 404, 409],
    }),
    async (request) => revisions.get(request.params.namespace, request.params.revision),
  );
}

function addStateRoutes(app: ApiScope, { revisions }: RevisionParts): void {
  const transition = {
    ...change,
    params: revisionParams,
    body: revisionChangeSchema,
    responses: { 200: jsonResponse('the revision', revisionSchema) },
    problems: [400, 404, 409, 415],
  } as const;

  app.post(
    `${path}/release`,
    changeRoute({
      ...transition,
      operationId: 'releaseRevision',
      summary: 'Release a draft, which cannot change from then on',
    }),
    async (request) => {
      const { namespace, revision } = request.params;
      return revisions.release(namespace, revision, requesterOf(request));
    },
  );

  app.post(
    `${path}/disable`,
    changeRoute({
      ...transition,
      operationId: 'disableRevision',
      summary: 'Disable a released revision, so that it is no longer the latest',
    }),
    async (request) => {
      const { namespace, revision } = request.params;
      return revisions.disable(namespace, revision, requesterOf(request));
    },
  );

  app.delete(
    path,
    changeRoute({
      ...change,
      operationId: 'deleteRevision',
      summary: 'Delete a draft',
      params: revisionParams,
      responses: { 200: jsonResponse('it is deleted', z.object({ namespace: z.string(), revision: z.string() })) },
      problems: [400, 404, 409],
    }),
    async (request) => {
      const { namespace, revision } = request.params;
      await revisions.delete(namespace, revision, requesterOf(request));
      return { namespace, revision };
    },
  );
}
