import { z } from 'zod';
import {
  canceledRedriveSchema,
  cancelRequestSchema,
  type LetterDetail,
  letterChangeSchema,
  letterDetailSchema,
  letterGroupQuerySchema,
  letterGroupSchema,
  letterPageSchema,
  letterQuerySchema,
  letterRequestSchema,
  letterShowQuerySchema,
  redriveRequestSchema,
  redriveSchema,
} from '../../../api-contract/letters';
import { type ApiParts, type ApiScope, changeRoute, readRoute } from './api-route';
import { commentQuery, requesterOf } from './flow-change';
import { flowParams, jsonResponse, textResponse } from './route-schemas';

const path = '/kflows/v1/:namespace/:jobId/letters';
const linesType = 'application/x-ndjson';
const redriveParams = flowParams.extend({ redrive: z.string().max(100) });

const read = { role: 'view', tag: 'letters', params: flowParams, problems: [400, 404] } as const;
/** Records may contain what not everybody who sees a flow may see. */
const readRecords = { ...read, role: 'operate' } as const;
const change = {
  role: 'operate',
  tag: 'letters',
  params: flowParams,
  querystring: commentQuery,
  problems: [400, 404, 415, 422],
} as const;

/** Routes for the dead letters of a flow. */
export function addLetterRoutes(app: ApiScope, parts: ApiParts): void {
  const { letters } = parts.service;
  app.get(
    path,
    readRoute({
      ...read,
      operationId: 'listLetters',
      summary: 'List the dead letters of a flow',
      querystring: letterQuerySchema,
      responses: { 200: jsonResponse('one page', letterPageSchema) },
    }),
    async (request) => letters.list(request.params, request.query),
  );

  app.get(
    `${path}/groups`,
    readRoute({
      ...read,
      operationId: 'groupLetters',
      summary: 'Count dead letters by function, error and place',
      querystring: letterGroupQuerySchema,
      responses: { 200: jsonResponse('the largest group first', z.array(letterGroupSchema)) },
    }),
    async (request) => letters.groups(request.params, request.query),
  );

  app.get(
    `${path}/:letter`,
    readRoute({
      ...readRecords,
      operationId: 'getLetter',
      summary: 'Get a dead letter with its record and its attempts',
      params: flowParams.extend({ letter: z.coerce.number().int().positive() }),
      querystring: letterShowQuerySchema,
      responses: { 200: jsonResponse('the letter', letterDetailSchema) },
    }),
    async (request) => letters.show(request.params, request.params.letter, request.query),
  );
  addExportRoute(app, parts);
  addLetterChanges(app, parts);
  addRedriveRoutes(app, parts);
}

function addExportRoute(app: ApiScope, { service, streams }: ApiParts): void {
  app.get(
    `${path}/export`,
    readRoute({
      ...readRecords,
      operationId: 'exportLetters',
      summary: 'Export dead letters with their records and attempts',
      description: 'One LetterDetail per line.',
      querystring: letterGroupQuerySchema,
      responses: { 200: textResponse('the letters, the oldest first', linesType) },
    }),
    async (request, reply) => {
      const { params, query } = request;
      await service.status(params); // throws flow-missing before the response begins
      const chunks = () => linesOf(service.letters.export(params, query));
      return streams.send(reply, { type: `${linesType}; charset=utf-8`, chunks, isWhole: true });
    },
  );
}

function addLetterChanges(app: ApiScope, { service: { letters } }: ApiParts): void {
  app.post(
    `${path}/redrive`,
    changeRoute({
      ...change,
      operationId: 'redriveLetters',
      summary: 'Make functions process dead letters again',
      body: redriveRequestSchema,
      responses: { 200: jsonResponse('the letters are queued, or counted', letterChangeSchema) },
    }),
    async (request) => {
      const { comment: _, ...selection } = request.body;
      return letters.redrive(request.params, selection, requesterOf(request));
    },
  );

  for (const [verb, summary] of [
    ['discard', 'Discard dead letters; they can be restored for 14 days'],
    ['restore', 'Restore discarded letters'],
  ] as const) {
    app.post(
      `${path}/${verb}`,
      changeRoute({
        ...change,
        operationId: `${verb}Letters`,
        summary,
        body: letterRequestSchema,
        responses: { 200: jsonResponse('the letters are moved, or counted', letterChangeSchema) },
      }),
      async (request) => {
        const { comment: _, ...selection } = request.body;
        return letters[verb](request.params, selection, requesterOf(request));
      },
    );
  }
}

function addRedriveRoutes(app: ApiScope, { service: { letters } }: ApiParts): void {
  app.get(
    `${path}/redrives`,
    readRoute({
      ...read,
      operationId: 'listRedrives',
      summary: 'List the redrives of a flow with their progress',
      responses: { 200: jsonResponse('the newest first', z.array(redriveSchema)) },
    }),
    async (request) => letters.redrives(request.params),
  );

  app.post(
    `${path}/redrives/:redrive/cancel`,
    changeRoute({
      ...change,
      operationId: 'cancelRedrive',
      summary: 'Cancel a redrive; letters that no replica has begun stay letters',
      params: redriveParams,
      body: cancelRequestSchema,
      responses: { 200: jsonResponse('the redrive is canceled', canceledRedriveSchema) },
    }),
    async (request) => letters.cancel(request.params, request.params.redrive, requesterOf(request)),
  );
}

async function* linesOf(letters: AsyncIterable<LetterDetail>): AsyncGenerator<string> {
  for await (const letter of letters) yield `${JSON.stringify(letter)}\n`;
}
