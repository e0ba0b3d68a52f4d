import type { FastifyError } from 'fastify';
import { errorCodes, isTransient, KFlowError } from '../../../../lib/errors';
import type { Problem } from '../../../../lib/topology/problem/problem';
import type { ApiCode, ApiProblem } from '../../../api-contract/problem';
import { ApiError } from './api-error';
import { requestFault } from './request-fault';

export interface ProblemAnswer {
  readonly problem: ApiProblem;
  readonly headers: { readonly [name: string]: string };
}

/** What may pass is asked for again after this many seconds. */
const retryAfter = { 'retry-after': '2' };

const titles: { readonly [status: number]: string } = {
  400: 'The request is not as it must be',
  401: 'Nobody knows who asks',
  403: 'Not allowed',
  404: 'Not found',
  405: 'The method is not one of this path',
  409: 'The state of the flow does not allow it',
  413: 'Too large',
  415: 'The content type is not one of those taken',
  422: 'It cannot be done as it is said',
  503: 'Something behind the controller does not answer',
};

/** Any error as the problem that tells of it. One that is not KFlow's own says nothing but `requestId`, to be found in the log. */
export function problemOf(error: unknown, requestId: string): ProblemAnswer {
  if (error instanceof ApiError) {
    return { problem: toProblem(error.status, error.code, error.message), headers: error.headers };
  }
  if (error instanceof KFlowError) return problemOfKFlow(error);
  return { problem: problemOfFastify(error as FastifyError) ?? internalProblem(requestId), headers: {} };
}

function problemOfKFlow(error: KFlowError): ProblemAnswer {
  const problem = toProblem(errorCodes[error.code].httpStatus, error.code, error.message);
  const headers = isTransient(error) ? retryAfter : {};
  return 'problems' in error
    ? { problem: { ...problem, problems: (error.problems as readonly Problem[]).map(withoutFile) }, headers }
    : { problem, headers };
}

function withoutFile({ file: _, ...problem }: Problem) {
  return problem;
}

/** Of what Fastify has found: a request that does not fit its schema, a body that is too large, a path that is none. */
function problemOfFastify(error: FastifyError): ApiProblem | undefined {
  if (error.validation !== undefined) {
    const place = error.validationContext === 'querystring' ? 'query' : error.validationContext;
    const lines = error.validation.map((fault) => {
      const field = fault.instancePath.split('/').filter(Boolean).join('.');
      return `${field === '' ? place : `${place}.${field}`}: ${requestFault(fault)}`;
    });
    return toProblem(400, 'request-invalid', lines.join('\n'));
  }
  const { statusCode = 500, message } = error;
  if (statusCode >= 500) return undefined;
  if (statusCode === 413)
    return toProblem(413, 'payload-too-large', `the body is larger than is taken here: ${message}`);
  return toProblem(statusCode, 'request-invalid', message);
}

function internalProblem(requestId: string): ApiProblem {
  const detail = `the controller failed; its log tells why, by the words "request ${requestId}"`;
  return toProblem(500, 'internal', detail);
}

function toProblem(status: number, code: ApiCode, detail: string): ApiProblem {
  return { type: `urn:kflow:${code}`, title: titles[status] ?? 'Failed', status, detail, code };
}
