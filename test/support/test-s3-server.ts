import { createHash } from 'node:crypto';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A request, as faults see it. */
export interface S3Request {
  readonly method: string;
  /** Empty for the list of buckets. */
  readonly bucket: string;
  /** Undefined for requests about the bucket, such as a listing. */
  readonly key: string | undefined;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** Requests of this method and path before this one. */
  readonly earlier: number;
}

/** Answers a request in place of the server, and returns true; or returns false. */
export type S3Fault = (request: S3Request, response: ServerResponse) => boolean;

export interface TestS3Options {
  /** Refuses other regions, as AWS does. */
  readonly region?: string;
  /** Difference between the server's clock and the real time. Requests that are more than 15 minutes off are refused. */
  readonly clockOffsetMs?: number;
  readonly sessionToken?: string;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly host?: string;
}

/** A part of S3 in memory, over HTTP, with faults that a test chooses. It does not verify signatures. */
export class TestS3Server {
  readonly buckets = new Map<string, Map<string, Buffer>>();
  readonly requests: S3Request[] = [];
  fault: S3Fault = () => false;
  private readonly server: Server;

  constructor(private readonly options: TestS3Options = {}) {
    const handler = (request: IncomingMessage, response: ServerResponse) => void this.handle(request, response);
    this.server = options.tls === undefined ? createHttpServer(handler) : createHttpsServer(options.tls, handler);
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, this.options.host ?? '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get address(): string {
    return `${this.options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.port}`;
  }

  /** Replaces a bucket. */
  fill(bucket: string, objects: { readonly [key: string]: string }): void {
    this.buckets.set(bucket, new Map(Object.entries(objects).map(([key, text]) => [key, Buffer.from(text)])));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async handle(raw: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of raw) chunks.push(chunk);
    const request = this.parse(raw, Buffer.concat(chunks));
    this.requests.push(request);
    const now = new Date(Date.now() + (this.options.clockOffsetMs ?? 0));
    response.setHeader('date', now.toUTCString());
    const refusal = this.refusalOf(request, now);
    if (refusal !== undefined) sendError(response, ...refusal);
    else if (!this.fault(request, response)) this.answer(request, response);
  }

  private parse({ method = '', url = '', headers }: IncomingMessage, body: Buffer): S3Request {
    const { pathname, searchParams: query } = new URL(url, 'http://localhost');
    const [bucket = '', ...rest] = pathname.slice(1).split('/');
    const path = decodeURIComponent(rest.join('/'));
    const key = path === '' ? undefined : path;
    const isSame = (other: S3Request) => other.method === method && other.bucket === bucket && other.key === key;
    const earlier = this.requests.filter(isSame).length;
    return { method, bucket, key, query, headers, body, earlier };
  }

  private refusalOf({ headers }: S3Request, now: Date): readonly [number, string, string] | undefined {
    const { region, sessionToken } = this.options;
    const signedFor = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(headers.authorization ?? '')?.[1];
    if (region !== undefined && signedFor !== region) {
      return [400, 'AuthorizationHeaderMalformed', `<Region>${region}</Region>`];
    }
    const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(headers['x-amz-date'])) ?? [];
    const [year = 0, month = 1, ...others] = parts.map(Number);
    const sentMs = Date.UTC(year, month - 1, ...others);
    if (Math.abs(sentMs - now.getTime()) > 900_000) {
      return [403, 'RequestTimeTooSkewed', `<ServerTime>${now.toISOString()}</ServerTime>`];
    }
    if (headers['x-amz-security-token'] !== sessionToken) return [400, 'InvalidToken', ''];
    return undefined;
  }

  private answer(request: S3Request, response: ServerResponse): void {
    const { method, bucket, key, body } = request;
    const objects = this.buckets.get(bucket);
    if (method === 'PUT' && key === undefined) {
      this.buckets.set(bucket, objects ?? new Map());
      response.end();
    } else if (objects === undefined) sendError(response, 404, 'NoSuchBucket');
    else if (method === 'PUT' && key !== undefined) {
      objects.set(key, body);
      response.setHeader('etag', etagOf(body)).end();
    } else if (key === undefined) sendListing(request, objects, response);
    else {
      const data = objects.get(key);
      if (data === undefined) sendError(response, 404, 'NoSuchKey');
      else response.writeHead(200, objectHeaders(data)).end(data);
    }
  }
}

export function etagOf(data: Uint8Array): string {
  return `"${createHash('md5').update(data).digest('hex')}"`;
}

export function objectHeaders(data: Uint8Array): { [name: string]: string | number } {
  return { etag: etagOf(data), 'content-length': data.byteLength, 'last-modified': new Date(0).toUTCString() };
}

export function sendError(response: ServerResponse, status: number, code: string, fields = ''): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<Error><Code>${code}</Code><Message>refused by the test</Message>${fields}</Error>`);
}

/** The parts of a listing that a test may change. */
export interface Page {
  readonly keys: readonly string[];
  readonly isTruncated: boolean;
  readonly token?: string;
  readonly encode?: (key: string) => string;
}

export function sendPage(response: ServerResponse, page: Page): void {
  response.writeHead(200, { 'content-type': 'application/xml' }).end(pageText(page));
}

export function pageText({ keys, isTruncated, token, encode = encodeKey }: Page): string {
  const next = token === undefined ? '' : `<NextContinuationToken>${token}</NextContinuationToken>`;
  const contents = keys.map((key) => {
    const rest = `<LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;0-1&quot;</ETag><Size>1</Size>`;
    return `<Contents><Key>${encode(key)}</Key>${rest}</Contents>`;
  });
  const head = `<EncodingType>url</EncodingType><IsTruncated>${isTruncated}</IsTruncated><KeyCount>${keys.length}</KeyCount>`;
  return `<ListBucketResult>${head}${next}${contents.join('')}</ListBucketResult>`;
}

function encodeKey(key: string): string {
  return encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');
}

function sendListing({ query }: S3Request, objects: ReadonlyMap<string, Buffer>, response: ServerResponse): void {
  const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const size = Math.min(1_000, Number(query.get('max-keys') ?? 1_000));
  const keys = [...objects.keys()]
    .filter((key) => key.startsWith(query.get('prefix') ?? '') && key > after)
    .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  const page = keys.slice(0, size);
  const isTruncated = keys.length > size;
  sendPage(response, { keys: page, isTruncated, ...(isTruncated ? { token: page.at(-1) ?? '' } : {}) });
}
