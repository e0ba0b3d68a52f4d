import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../../../log';
import type { ApiMetrics } from './api-metrics';
import { serverEventType } from './server-events';

declare module 'fastify' {
  interface FastifyRequest {
    /** Code of the problem that was answered, for the log. */
    problemCode: string | null;
  }
}

/** Every answer is measured and logged: changes at INFO with who asked and what came of it, all else at DEBUG. */
export function watchRequests(app: FastifyInstance, { log, metrics }: { log: Log; metrics: ApiMetrics }): void {
  app.decorateRequest('problemCode', null);
  app.addHook('onRequest', async (request, reply) => {
    const startedMs = performance.now();
    // Fastify's own hook is not called for an answer that nobody waited for, and without it Fastify measures no time.
    reply.raw.once('close', () => {
      const tookMs = performance.now() - startedMs;
      const { method, caller } = request;
      if (!isStream(request, reply)) {
        const route = request.routeOptions.url ?? 'none';
        metrics.answered({ method, route, status: reply.statusCode }, tookMs);
      }
      log(method !== 'GET' && caller !== null ? 'INFO' : 'DEBUG', lineOf(request, reply, tookMs));
    });
  });
}

/** It lasts as long as somebody looks at it. */
function isStream(request: FastifyRequest, reply: FastifyReply): boolean {
  const { follow } = (request.query ?? {}) as { readonly follow?: unknown };
  return follow === true || reply.getHeader('content-type') === serverEventType;
}

function lineOf(request: FastifyRequest, reply: FastifyReply, tookMs: number): string {
  const { method, url, caller, problemCode } = request;
  const by = caller === null ? '' : ` by ${caller.name}`;
  const took = `in ${Math.round(tookMs)} ms`;
  if (!reply.raw.headersSent) return `${method} ${url}${by}: the client hung up before the answer, ${took}`;
  const outcome = problemCode ?? reply.getHeader('kflow-outcome');
  return `${method} ${url}${by}: ${reply.statusCode}${outcome === undefined ? '' : ` ${outcome}`} ${took}`;
}
