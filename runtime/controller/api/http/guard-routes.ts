import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Access } from '../access/access';
import { type Authenticator, assertNamespace, assertRole, type Caller, type Role } from '../access/caller';
import { assertSameMachine } from '../access/loopback';
import { ApiError } from './api-error';
import { headerText } from './request-content';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on routes with a role; `null` on other routes, and before the caller is authenticated. */
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    /** Role that the caller must have; `anyone` needs no token. */
    readonly role?: Role | 'anyone';
  }
}

/** Restricts every route with a role to callers with this role, and to their namespaces. */
export function guardRoutes(app: FastifyInstance, access: Access): void {
  app.decorateRequest('caller', null);
  app.addHook('onRequest', async (request) => {
    if (access.kind === 'open') assertSameMachine(request.headers);
    const { role } = request.routeOptions.config;
    if (role === undefined || role === 'anyone') return;
    const caller = access.kind === 'open' ? userOf(request) : await authenticate(request, access.authenticator);
    request.caller = caller;
    assertRole(caller, role);
    const { namespace } = request.params as { readonly namespace?: string };
    if (namespace !== undefined) assertNamespace(caller, namespace);
  });
}

/** The caller of a request on a route with a role. */
export function callerOf({ caller }: FastifyRequest): Caller {
  if (caller === null) throw new Error('the route has no role');
  return caller;
}

/** Without tokens, the caller's name is the one that the client sends. */
function userOf({ headers }: FastifyRequest): Caller {
  const name = headerText(headers['kflow-user']) ?? 'anonymous';
  if (/^[^\p{C}]{1,64}$/u.test(name)) return { name, role: 'admin' };
  throw new ApiError(400, 'request-invalid', 'headers.kflow-user: must have 1 to 64 printable characters');
}

async function authenticate({ headers }: FastifyRequest, authenticator: Authenticator): Promise<Caller> {
  const { authorization } = headers;
  if (authorization === undefined) {
    throw unauthorized('the request has no token; send the header "Authorization: Bearer TOKEN"', '');
  }
  const token = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization)?.[1];
  const caller = token === undefined ? undefined : await authenticator.identify(token);
  if (caller !== undefined) return caller;
  throw unauthorized('the token is unknown or expired; get a new one', ', error="invalid_token"');
}

function unauthorized(message: string, more: string): ApiError {
  return new ApiError(401, 'access-denied', message, { 'www-authenticate': `Bearer realm="kflow"${more}` });
}
