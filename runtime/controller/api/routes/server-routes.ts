import { z } from 'zod';
import type { FlowService } from '../../flows/ports/flow-service';
import { ApiError } from '../http/api-error';
import type { ApiMetrics } from '../http/api-metrics';
import type { ApiScope } from '../http/api-scope';
import { jsonAnswer, problemAnswer, textAnswer } from './route-schemas';

const stateSchema = z.object({ status: z.enum(['alive', 'ready']) });
const tags = ['controller'];

/** What everybody may ask of the controller itself. */
export function addServerRoutes(
  app: ApiScope,
  { service, metrics }: { service: FlowService; metrics: ApiMetrics },
): void {
  app.get(
    '/healthz',
    {
      exposeHeadRoute: true,
      schema: {
        operationId: 'isAlive',
        summary: 'Whether it answers',
        tags,
        response: { 200: jsonAnswer('it does', stateSchema) },
      },
    },
    async () => ({ status: 'alive' as const }),
  );

  app.get(
    '/readyz',
    {
      exposeHeadRoute: true,
      schema: {
        operationId: 'isReady',
        summary: 'Whether it can work',
        tags,
        response: {
          200: jsonAnswer('it can', stateSchema),
          503: problemAnswer('it cannot; detail says why, a line each'),
        },
      },
    },
    async () => {
      const reasons = await service.whyNotReady();
      if (reasons.length > 0) throw new ApiError(503, 'not-ready', reasons.join('\n'), { 'retry-after': '2' });
      return { status: 'ready' as const };
    },
  );

  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'readMetrics',
        summary: 'Metrics for Prometheus',
        tags,
        response: { 200: textAnswer("Prometheus' text format", 'text/plain') },
      },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()),
  );

  app.get(
    '/openapi.json',
    {
      schema: {
        operationId: 'readOpenapi',
        summary: 'This description',
        tags,
        response: { 200: jsonAnswer('OpenAPI 3.1', z.looseObject({ openapi: z.string() })) },
      },
    },
    async () => ({ ...app.swagger() }) as { openapi: string },
  );
}
