import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { Log } from '../../../log';
import { ApiError } from './api-error';
import { problemOf } from './problem-response';

const problemType = 'application/problem+json; charset=utf-8';

/** Makes the API respond to every error with a problem (RFC 9457). Unexpected errors are logged with their stack. */
export function sendProblems(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error, request, reply) => sendProblem(error, { request, reply, log }));
  app.setNotFoundHandler((request) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    throw new ApiError(404, 'route-missing', `there is no route ${pathname}; /docs lists all routes`);
  });
}

export interface FailedRequest {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly log: Log;
}

export function sendProblem(error: unknown, { request, reply, log }: FailedRequest): FastifyReply {
  const { problem, headers } = problemOf(error, request);
  request.problemCode = problem.code;
  if (problem.code === 'internal') log('ERROR', `request ${request.id}: ${(error as Error)?.stack ?? error}`);
  return reply.code(problem.status).headers(headers).type(problemType).send(problem);
}

/**
 * Makes the paths of all routes added from now on respond with 405 to other methods. Call the returned function once the
 * routes are added.
 */
export function refuseOtherMethods(app: FastifyInstance): () => void {
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method, config }: RouteOptions) => {
    if (config === undefined || config.isMethodRefusal === true || config.endsInAny === true) return;
    methods.set(url, new Set([...(methods.get(url) ?? []), ...[method].flat()]));
  });
  return () => {
    for (const [url, known] of methods) addRefusal(app, url, [...known].sort());
  };
}

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly isMethodRefusal?: true;
    /** The last segment of the path is a parameter, so other methods get 404 rather than 405. */
    readonly endsInAny?: true;
  }
}

function addRefusal(app: FastifyInstance, url: string, known: readonly string[]): void {
  const allow = known.join(', ');
  const refuse = async ({ method }: FastifyRequest): Promise<never> => {
    throw new ApiError(405, 'method-refused', `${method} is not supported here; use ${allow}`, { allow });
  };
  const method = app.supportedMethods.filter((each) => !known.includes(each));
  app.route({
    url,
    method,
    config: { isMethodRefusal: true },
    schema: { hide: true },
    onRequest: refuse,
    handler: refuse,
  });
}
