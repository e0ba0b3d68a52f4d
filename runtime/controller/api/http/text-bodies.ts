import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError } from './api-error';

/** Types of a body that is text, JSON or YAML; which of the two it is, its text shows. */
const textTypes = [
  'application/json',
  'application/yaml',
  'application/x-yaml',
  'text/yaml',
  'text/x-yaml',
  'text/plain',
];

/** What curl says of any body when it is not told; nobody sends forms here. */
const formType = 'application/x-www-form-urlencoded';

/** Every body comes to the handlers as its text, without a byte order mark; other types and encodings are refused. */
export function takeTextBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    [...textTypes, formType],
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => textOf(request, body),
  );
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    const type = request.headers['content-type'];
    if (type !== undefined) throw refusal(`${type}: send one of ${textTypes.join(', ')}`);
    return textOf(request, body);
  });
}

/** The topology in a request's body. Throws ApiError 400 when there is none, or only what a form made of it. */
export function documentOf({ body, headers }: FastifyRequest): string {
  const text = typeof body === 'string' ? body : '';
  if (text.trim() === '') {
    throw invalid('the body is empty; send the topology as JSON or YAML, as with --data-binary @topology.yaml');
  }
  const isForm = headers['content-type']?.startsWith(formType) ?? false;
  if (isForm && !/^\s*\{/.test(text) && !text.includes('\n')) {
    throw invalid('the document has no line ends; "curl -d" takes them away, so send it with --data-binary');
  }
  return text;
}

/** A hook for routes whose body is JSON; no body is as an empty object. Throws ApiError 400 for text that is no JSON. */
export async function readJsonBody(request: FastifyRequest): Promise<void> {
  const text = typeof request.body === 'string' ? request.body : '';
  try {
    request.body = text.trim() === '' ? {} : JSON.parse(text);
  } catch (error) {
    throw invalid(`the body must be JSON: ${(error as Error).message}`);
  }
}

function textOf({ headers }: FastifyRequest, body: Buffer): string {
  const charset = /charset="?([\w-]+)/i.exec(headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset)) throw refusal(`charset=${charset}: send UTF-8`);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw refusal(`content-encoding ${encoding}: send it as it is`);
  if (!isUtf8(body)) throw invalid('the body is no UTF-8 text; send the document in UTF-8');
  return new TextDecoder().decode(body);
}

function refusal(message: string): ApiError {
  return new ApiError(415, 'request-invalid', message);
}

function invalid(message: string): ApiError {
  return new ApiError(400, 'request-invalid', message);
}
