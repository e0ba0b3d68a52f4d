import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import type { FlowService } from '../../flows/ports/flow-service';
import type { Role } from '../access/caller';
import { readJsonBody } from '../http/request-content';
import type { StreamedAnswers } from '../http/streamed-answers';
import type { ApiMetrics } from '../http/watch-requests';
import { changeHeaders, type commentQuery } from './flow-change';
import { type ProblemStatus, type ProblemsOf, problemsOf } from './route-schemas';

/** What routes are added to: their schemas are zod's. */
export type ApiScope = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What handlers use. */
export interface ApiParts {
  readonly service: FlowService;
  readonly streams: StreamedAnswers;
  readonly metrics: ApiMetrics;
  /** Interval of fillers on streams that have nothing to send. */
  readonly keepAliveMs: number;
}

/** A file of routes exports one of these, and `api-server.ts` lists it. */
export type AddRoutes = (app: ApiScope, parts: ApiParts) => void;

/** The declaration of a route, beside its method, path and handler. OpenAPI and the access checks are made of it. */
export interface RouteDeclaration {
  /** Role that the caller must have; `anyone` needs no token. */
  readonly role: Role | 'anyone';
  readonly operationId: string;
  /** A verb phrase without a period. */
  readonly summary: string;
  readonly description?: string;
  /** Group in the OpenAPI page. */
  readonly tag: 'flows' | 'changes' | 'history' | 'events' | 'controller';
  readonly params?: z.ZodType;
  readonly querystring?: z.ZodType;
  /** Successful answers by status. */
  readonly answers: { readonly [status: number]: { readonly description: string; readonly content: object } };
  /** Headers of the successful answers, with descriptions. */
  readonly answerHeaders?: { readonly [name: string]: string };
  /** Problems that this route may answer with, beside those of every route with a role. */
  readonly problems: readonly ProblemStatus[];
}

/** A route that changes a flow: the query and the headers have what the audit log needs. */
export interface ChangeDeclaration extends RouteDeclaration {
  readonly role: 'operate' | 'admin';
  readonly querystring: z.ZodObject<typeof commentQuery.shape>;
  /** Schema of a JSON body. */
  readonly body?: z.ZodType;
  /** The body is a topology, JSON or YAML. */
  readonly takesTopology?: true;
}

/** The schemas of a declaration that Fastify types the handler by. */
type SchemaOf<D extends RouteDeclaration> = Pick<D, Extract<keyof D, 'params' | 'querystring' | 'body'>> & {
  readonly response: D['answers'] & ProblemsOf<D['problems'][number], D['role']>;
};

/** Options of a route that changes nothing. */
export function readRoute<const D extends RouteDeclaration>(declaration: D) {
  return optionsOf(declaration);
}

/** Options of a route that changes a flow. Its handler passes `requesterOf(request)` on, for the audit log. */
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
  const { role, operationId, summary, description, tag, answers, answerHeaders, problems } = declaration;
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
    response: { ...answers, ...problemsOf(problems, role) },
  };
  return {
    config: { role, ...(answerHeaders === undefined ? {} : { headers: answerHeaders }) },
    schema: { ...described, ...(typed as SchemaOf<D>) },
  };
}
