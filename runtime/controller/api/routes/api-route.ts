import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import type { ExecutionService } from '../../executions/ports/execution-service';
import type { FlowService } from '../../flows/ports/flow-service';
import type { RevisionService } from '../../revisions/ports/revision-service';
import type { Role } from '../access/caller';
import { readJsonBody } from '../http/request-content';
import type { StreamedResponses } from '../http/streamed-responses';
import type { ApiMetrics } from '../http/watch-requests';
import { changeHeaders, type commentQuery } from './flow-change';
import { type ProblemStatus, type ProblemsOf, problemsOf } from './route-schemas';

/** The Fastify instance that routes are added to. Schemas are zod's. */
export type ApiScope = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** The dependencies of handlers. */
export interface ApiParts {
  readonly service: FlowService;
  readonly streams: StreamedResponses;
  readonly metrics: ApiMetrics;
  /** Interval of keep-alive fillers on idle streams. */
  readonly keepAliveMs: number;
}

/** A file of routes exports one of these, and `api-server.ts` lists it. */
export type AddRoutes = (app: ApiScope, parts: ApiParts) => void;

/** The dependencies of handlers of executions. */
export type ExecutionParts = Omit<ApiParts, 'service'> & { readonly executions: ExecutionService };

export type AddExecutionRoutes = (app: ApiScope, parts: ExecutionParts) => void;

/** The dependencies of handlers of revisions. */
export interface RevisionParts {
  readonly revisions: RevisionService;
}

/** Declares a route apart from its method, path and handler. OpenAPI and the access checks are derived from it. */
export interface RouteDeclaration {
  /** Role that the caller must have; `anyone` needs no token. */
  readonly role: Role | 'anyone';
  readonly operationId: string;
  /** A verb phrase without a period. */
  readonly summary: string;
  readonly description?: string;
  /** Group in the OpenAPI page. */
  readonly tag:
    | 'flows'
    | 'changes'
    | 'history'
    | 'events'
    | 'letters'
    | 'steps'
    | 'executions'
    | 'schedules'
    | 'task events'
    | 'workers'
    | 'workflows'
    | 'revisions'
    | 'controller';
  readonly params?: z.ZodType;
  readonly querystring?: z.ZodType;
  /** Schema of a JSON body. */
  readonly body?: z.ZodType;
  /** Successful responses by status. */
  readonly responses: { readonly [status: number]: { readonly description: string; readonly content: object } };
  /** Headers of the successful responses, with descriptions. */
  readonly responseHeaders?: { readonly [name: string]: string };
  /** Statuses of problems of this route, in addition to those of every route with a role. */
  readonly problems: readonly ProblemStatus[];
}

/** Declares a route that changes a flow. Its query and headers contain the data of the audit log. */
export interface ChangeDeclaration extends RouteDeclaration {
  readonly role: 'operate' | 'admin';
  readonly querystring: z.ZodObject<typeof commentQuery.shape>;
  /** The body is a topology, JSON or YAML. */
  readonly takesTopology?: true;
}

/** The schemas of a declaration, from which Fastify infers the types of the handler. */
type SchemaOf<D extends RouteDeclaration> = Pick<D, Extract<keyof D, 'params' | 'querystring' | 'body'>> & {
  readonly response: D['responses'] & ProblemsOf<D['problems'][number], D['role']>;
};

/** Options of a route that changes nothing. */
export function readRoute<const D extends RouteDeclaration>(declaration: D) {
  return optionsOf(declaration);
}

/** Options of a route that changes a flow. Its handler passes `requesterOf(request)` to the service, for the audit log. */
export function changeRoute<const D extends ChangeDeclaration>(declaration: D) {
  const { config, schema } = optionsOf(declaration);
  const { body, takesTopology } = declaration as ChangeDeclaration;
  return {
    config: takesTopology === true ? { ...config, takesTopology } : config,
    ...(body === undefined ? {} : { preValidation: readJsonBody }),
    schema: { ...schema, headers: changeHeaders },
  };
}

function optionsOf<D extends RouteDeclaration>(declaration: D) {
  const { role, operationId, summary, description, tag, responses, responseHeaders, problems } = declaration;
  const { params, querystring, body } = declaration as RouteDeclaration & { readonly body?: z.ZodType };
  const described = {
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
  };
  const typed: object = {
    ...(params === undefined ? {} : { params }),
    ...(querystring === undefined ? {} : { querystring }),
    ...(body === undefined ? {} : { body }),
    response: { ...responses, ...problemsOf(problems, role) },
  };
  return {
    config: { role, ...(responseHeaders === undefined ? {} : { headers: responseHeaders }) },
    schema: { ...described, ...(typed as SchemaOf<D>) },
  };
}
