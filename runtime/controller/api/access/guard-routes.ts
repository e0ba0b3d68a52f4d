import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError } from '../http/api-error';
import { headerText } from '../http/header-text';
import type { Access } from './access';
import { assertFromMachine } from './assert-from-machine';
import type { Authenticator } from './authenticator';
import { assertNamespace, assertRole, type Caller, type Role } from './caller';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of a route with a role; `null` of others, and of a request that was refused. */
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    /** What the caller needs; left out: nobody is asked who they are. */
    readonly role?: Role;
  }
}

/** Every route of the instance that has a role is for callers with that role, and for their namespaces, only. */
export function guardRoutes(app: FastifyInstance, access: Access): void {
  app.decorateRequest('caller', null);
  app.addHook('onRequest', async (request) => {
    if (access.kind === 'open') assertFromMachine(request.headers);
    const { role } = request.routeOptions.config;
    if (role === undefined) return;
    const caller = access.kind === 'open' ? userOf(request) : await authenticate(request, access.authenticator);
    request.caller = caller;
    assertRole(caller, role);
    const { namespace } = request.params as { readonly namespace?: string };
    if (namespace !== undefined) assertNamespace(caller, namespace);
  });
}

/** Who asks on a route that has a role. */
export function callerOf({ caller }: FastifyRequest): Caller {
  if (caller === null) throw new Error('the route has no role');
  return caller;
}

/** Nobody says who they are, so their word is taken for the log. */
function userOf({ headers }: FastifyRequest): Caller {
  const name = headerText(headers['kflow-user']) ?? 'anonymous';
  if (/^[^\p{C}]{1,64}$/u.test(name)) return { name, role: 'admin' };
  throw new ApiError(400, 'request-invalid', 'headers.kflow-user: must be a name of 1 to 64 characters');
}

async function authenticate({ headers }: FastifyRequest, authenticator: Authenticator): Promise<Caller> {
  const { authorization } = headers;
  if (authorization === undefined) {
    throw unauthenticated('there is no token; send one with the header "Authorization: Bearer TOKEN"', '');
  }
  const token = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization)?.[1];
  const caller = token === undefined ? undefined : await authenticator.identify(token);
  if (caller !== undefined) return caller;
  throw unauthenticated('the token is unknown, or no longer good; get a new one', ', error="invalid_token"');
}

function unauthenticated(message: string, more: string): ApiError {
  return new ApiError(401, 'access-denied', message, { 'www-authenticate': `Bearer realm="kflow"${more}` });
}
