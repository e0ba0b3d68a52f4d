import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseExactJson } from '../../../../lib/topology/avro/exact-json';
import { ApiError } from './api-error';

/** Content types of JSON and YAML. Which of the two a body is depends on its text, not on its type. */
const textTypes = [
  'application/json',
  'application/yaml',
  'application/x-yaml',
  'text/yaml',
  'text/x-yaml',
  'text/plain',
];

/** The type that curl sends by default; the API has no forms. */
const formType = 'application/x-www-form-urlencoded';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body is multipart/form-data, and is passed on as it is. */
    readonly takesForm?: true;
  }
}

/** Passes every body to handlers as text without a byte order mark. Other content types and encodings are rejected. */
export function acceptTextBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    [...textTypes, formType],
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => textOf(request, body),
  );
  app.addContentTypeParser(
    'multipart/form-data',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      if (request.routeOptions.config.takesForm === true) return body;
      throw unsupported(`content type multipart/form-data: send one of ${textTypes.join(', ')}`);
    },
  );
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    const type = request.headers['content-type'];
    if (type !== undefined) throw unsupported(`content type ${type}: send one of ${textTypes.join(', ')}`);
    return textOf(request, body);
  });
}

/** The topology in a request's body. Throws ApiError 400 if the body is empty or curl removed its line ends. */
export function documentOf({ body, headers }: FastifyRequest): string {
  const text = typeof body === 'string' ? body : '';
  if (text.trim() === '') {
    throw invalid('body: is empty; send the topology as JSON or YAML, for example with --data-binary @topology.yaml');
  }
  const isForm = headers['content-type']?.startsWith(formType) ?? false;
  if (isForm && !/^\s*\{/.test(text) && !text.includes('\n')) {
    throw invalid('body: has no line ends, because "curl -d" removes them; send it with --data-binary');
  }
  return text;
}

/** A hook for routes with a JSON body; an empty body counts as an empty object. Integers beyond 2^53 are bigints. Throws ApiError 400 for invalid JSON. */
export async function readJsonBody(request: FastifyRequest): Promise<void> {
  const text = typeof request.body === 'string' ? request.body : '';
  try {
    request.body = text.trim() === '' ? {} : parseExactJson(text);
  } catch (error) {
    throw invalid(`body: must be JSON: ${(error as Error).message}`);
  }
}

function textOf({ headers }: FastifyRequest, body: Buffer): string {
  const charset = /charset="?([\w-]+)/i.exec(headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset))
    throw unsupported(`charset ${charset}: send UTF-8`);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw unsupported(`content encoding ${encoding}: send the body uncompressed`);
  if (!isUtf8(body)) throw invalid('body: is not valid UTF-8; send the document in UTF-8');
  return new TextDecoder().decode(body);
}

/** Decodes a header: UTF-8, which most clients send, or else Latin-1, the historical encoding of HTTP. */
export function headerText(value: string | readonly string[] | undefined): string | undefined {
  const text = typeof value === 'object' ? value.join(', ') : value;
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : text;
}

/** The offered type that an Accept header prefers; the first one if it prefers none. */
export function preferredType(accept: string | undefined, offered: readonly [string, ...string[]]): string {
  const ranges = (accept ?? '*/*').split(',').map(parseRange);
  const weighed = offered.map((type) => ({ type, weight: weightOf(type, ranges) }));
  return weighed.reduce((best, each) => (each.weight > best.weight ? each : best)).type;
}

interface MediaRange {
  readonly type: string;
  readonly weight: number;
}

function parseRange(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  return { type, weight: weight === undefined ? 1 : Number(weight) || 0 };
}

/** The weight of the most specific range that matches the type. */
function weightOf(type: string, ranges: readonly MediaRange[]): number {
  const [family] = type.split('/');
  const matching = [type, `${family}/*`, '*/*'].map((range) => ranges.find((each) => each.type === range));
  return matching.find((range) => range !== undefined)?.weight ?? 0;
}

function unsupported(message: string): ApiError {
  return new ApiError(415, 'request-invalid', message);
}

function invalid(message: string): ApiError {
  return new ApiError(400, 'request-invalid', message);
}
