import { z } from 'zod';
import { packageVersion } from '../../../package-root';
import { ApiError } from '../http/api-error';
import { type ApiParts, type ApiScope, readRoute } from './api-route';
import { jsonResponse, textResponse } from './route-schemas';

const stateSchema = z.object({ status: z.enum(['alive', 'ready']) });
const common = { role: 'anyone', tag: 'controller' } as const;

/** Routes of the controller itself: probes, metrics and the OpenAPI document. They require no token. */
export function addServerRoutes(app: ApiScope, { service, metrics }: ApiParts): void {
  const liveness = readRoute({
    ...common,
    operationId: 'isAlive',
    summary: 'Liveness',
    responses: { 200: jsonResponse('the controller responds', stateSchema) },
    problems: [],
  });
  app.get('/healthz', { ...liveness, exposeHeadRoute: true }, async () => ({ status: 'alive' as const }));

  const readiness = readRoute({
    ...common,
    operationId: 'isReady',
    summary: 'Readiness, with reasons',
    responses: { 200: jsonResponse('the controller is ready', stateSchema) },
    problems: [503],
  });
  app.get('/readyz', { ...readiness, exposeHeadRoute: true }, async () => {
    const reasons = await service.whyNotReady();
    if (reasons.length > 0) throw new ApiError(503, 'not-ready', reasons.join('\n'), { 'retry-after': '2' });
    return { status: 'ready' as const };
  });

  app.get(
    '/metrics',
    readRoute({
      ...common,
      operationId: 'readMetrics',
      summary: 'Metrics for Prometheus',
      responses: { 200: textResponse("Prometheus' text format", 'text/plain') },
      problems: [],
    }),
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()),
  );

  for (const [url, operationId, summary] of [
    ['/openapi.json', 'readOpenapi', 'The OpenAPI document'],
    ['/apispec.json', 'readApispec', 'The OpenAPI document, at another path'],
  ] as const) {
    app.get(
      url,
      readRoute({
        ...common,
        operationId,
        summary,
        responses: { 200: jsonResponse('OpenAPI 3.1', z.looseObject({ openapi: z.string() })) },
        problems: [],
      }),
      async () => ({ ...app.swagger() }) as { openapi: string },
    );
  }
  app.get('/apidocs', { schema: { hide: true } }, async (_request, reply) => reply.redirect('/docs'));

  app.get(
    '/',
    readRoute({
      ...common,
      operationId: 'readVersion',
      summary: 'The version of the controller',
      responses: { 200: jsonResponse('the version', z.object({ kflow: z.string() })) },
      problems: [],
    }),
    async () => ({ kflow: packageVersion }),
  );
}
