import type { FastifyError, FastifyRequest, FastifySchemaValidationError } from 'fastify';
import { errorCodes, isTransient, KFlowError } from '../../../../lib/errors';
import type { Problem } from '../../../../lib/topology/problem/problem';
import type { ApiCode, ApiProblem } from '../../../api-contract/problem';
import { ApiError } from './api-error';

export interface ProblemResponse {
  readonly problem: ApiProblem;
  readonly headers: { readonly [name: string]: string };
}

/** Seconds after which clients should retry what failed transiently. */
const retryAfter = { 'retry-after': '2' };

/** Titles of problems: the phrases of RFC 9110. */
const titles: { readonly [status: number]: string } = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** The response to any error. An unexpected error reveals only the id of the request; the log has the details under this id. */
export function problemOf(error: unknown, { id, routeOptions }: FastifyRequest): ProblemResponse {
  if (error instanceof ApiError) {
    return { problem: toProblem(error.status, error.code, error.message), headers: error.headers };
  }
  if (error instanceof KFlowError) return problemOfKFlow(error);
  const problem = problemOfFastify(error as FastifyError, routeOptions.bodyLimit);
  return { problem: problem ?? internalProblem(id), headers: {} };
}

function problemOfKFlow(error: KFlowError): ProblemResponse {
  const problem = toProblem(errorCodes[error.code].httpStatus, error.code, error.message);
  const headers = isTransient(error) ? retryAfter : {};
  return 'problems' in error
    ? { problem: { ...problem, problems: (error.problems as readonly Problem[]).map(withoutFile) }, headers }
    : { problem, headers };
}

function withoutFile({ file: _, ...problem }: Problem) {
  return problem;
}

/** Fastify's own errors: a request that does not match its schema, a body that is too large, a malformed path. */
function problemOfFastify(error: FastifyError, bodyLimit: number): ApiProblem | undefined {
  if (error.validation !== undefined) {
    const place = error.validationContext === 'querystring' ? 'query' : error.validationContext;
    const lines = error.validation.map((fault) => {
      const field = fault.instancePath.split('/').filter(Boolean).join('.');
      return `${field === '' ? place : `${place}.${field}`}: ${describeFault(fault)}`;
    });
    return toProblem(400, 'request-invalid', lines.join('\n'));
  }
  const { statusCode = 500, message } = error;
  if (statusCode >= 500) return undefined;
  if (statusCode === 413) {
    const limit = `${Math.floor(bodyLimit / 1_048_576)} MiB`;
    return toProblem(413, 'payload-too-large', `the body exceeds the limit of this route, ${limit}`);
  }
  return toProblem(statusCode, 'request-invalid', message);
}

function internalProblem(requestId: string): ApiProblem {
  return toProblem(500, 'internal', `internal error; search the controller's log for "request ${requestId}"`);
}

function toProblem(status: number, code: ApiCode, detail: string): ApiProblem {
  return { type: `urn:kflow:${code}`, title: titles[status] ?? 'Error', status, detail, code };
}

/** JSON's names of zod types. */
const typeNames: { readonly [expected: string]: string } = {
  string: 'a string',
  number: 'a number',
  int: 'an integer',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
  record: 'an object',
};

/** What is wrong with a part of a request: `must be at least 1`. A message of our own schemas is kept. */
function describeFault({ keyword, message = 'is invalid', params }: FastifySchemaValidationError): string {
  if (!/^(Invalid|Too|Unrecognized) /.test(message)) return message;
  const { expected, keys, values, origin, minimum, maximum } = params as {
    readonly [key: string]: string | readonly unknown[];
  };
  const isNumber = origin === 'number' || origin === 'int';
  switch (keyword) {
    case 'invalid_type':
      return typeFault(typeNames[String(expected)] ?? String(expected), /received (\w+)$/.exec(message)?.[1]);
    case 'unrecognized_keys': {
      const unknown = [keys].flat().map((key) => `"${key}"`);
      return `unknown ${unknown.length === 1 ? 'key' : 'keys'} ${unknown.join(', ')}`;
    }
    case 'invalid_value':
      return `must be one of ${[values].flat().join(', ')}`;
    case 'too_small':
      return isNumber ? `must be at least ${minimum}` : message;
    case 'too_big':
      return isNumber ? `must be at most ${maximum}` : `must have at most ${maximum} characters`;
    default:
      return message;
  }
}

function typeFault(expected: string, received: string | undefined): string {
  if (received === 'undefined') return `is missing; must be ${expected}`;
  const got = received === undefined || received === 'NaN' ? '' : `, got ${typeNames[received] ?? received}`;
  return `must be ${expected}${got}`;
}
