import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request as sendRequest } from 'node:https';
import { ConfigError, StoreError } from '../../../../lib/errors';
import { retry } from '../../../async/retry';
import { ApiCredentials, type CredentialsListener } from './api-credentials';
import { type ApiAnswer, isUnauthenticated, refusal } from './api-refusal';
import { ApiStream, parseBody } from './api-stream';
import type { LoadedKubeConfig } from './load-kube-config';

const SILENCE_MS = 30_000;
const ATTEMPTS = 10;
const MAX_SOCKETS = 16;
/** How a server ends the handshake when it does not accept the certificate of the client. */
const CERTIFICATE_ALERT = /^ERR_SSL_\w*ALERT_(\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED)$/;
/** A path that only a known caller may read, and every known caller may. */
const PROBED: ApiRequest = { method: 'GET', path: '/api/v1' };

/** A request that is safe to repeat, as all requests here are: a second POST of the same object is refused. */
export interface ApiRequest {
  readonly method: 'GET' | 'PATCH' | 'POST' | 'DELETE';
  /** Absolute path, such as `/apis/apps/v1`. */
  readonly path: string;
  readonly query?: { readonly [name: string]: string | undefined };
  /** The manifest of a server-side apply or of a new object, or the options of a delete. */
  readonly body?: unknown;
  /** Requests only the metadata: of one object, also in a watch, or of a list. */
  readonly as?: 'PartialObjectMetadata' | 'PartialObjectMetadataList';
}

export interface StreamOptions {
  readonly signal: AbortSignal;
  /** The connection counts as lost after this time without data; default: never. */
  readonly silenceMs?: number;
}

/**
 * Requests to the API server of a kubeconfig's context. The requests of client-node would drop warnings, and fields that
 * client-node does not know, which the server should refuse.
 */
export class ApiConnection {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  /** Streams must not use up the sockets of the other requests. */
  private readonly streamAgent = new Agent({ keepAlive: false });

  private readonly credentials: ApiCredentials;

  /** The listener learns when the server refuses the credentials, and when it accepts them again. */
  constructor(target: LoadedKubeConfig, listener?: CredentialsListener) {
    const probe = () => this.request(PROBED);
    this.credentials = new ApiCredentials(target, listener && { listener, probe });
  }

  get target(): LoadedKubeConfig {
    return this.credentials.target;
  }

  /**
   * Returns the response, whatever its status; a refusal of the credentials only after they were read anew. Throws
   * ConfigError `server-failed` if there is no response, StoreError `credentials-refused` if the credentials cannot be loaded.
   */
  request(request: ApiRequest): Promise<ApiAnswer> {
    const refusalOf = (answer: ApiAnswer) =>
      isUnauthenticated(answer) ? refusal(answer, `${request.method} ${request.path}`) : undefined;
    return this.credentials.run(() => this.answerTo(request), refusalOf);
  }

  private async answerTo(request: ApiRequest): Promise<ApiAnswer> {
    try {
      return await retry(() => this.attempt(request), {
        isRetryable: (error) => error instanceof RetryableFailure,
        delays: (error) => (error as RetryableFailure).delayMs,
        attempts: ATTEMPTS,
      });
    } catch (error) {
      if (!(error instanceof RetryableFailure)) throw error;
      if (error.outcome instanceof Error) throw error.outcome;
      return error.outcome;
    }
  }

  private async attempt(request: ApiRequest): Promise<ApiAnswer> {
    const options = await this.optionsFor(request);
    const sent = this.send(request, { agent: this.agent, timeout: SILENCE_MS, ...options });
    const { response, text } = await responseTo(sent).catch((error: NodeJS.ErrnoException) => {
      const failure = this.unreachable(error);
      // the server may close a kept-alive connection just as it is reused
      throw sent.reusedSocket && error.code === 'ECONNRESET' ? new RetryableFailure(failure, 0) : failure;
    });
    const status = response.statusCode ?? 0;
    const warnings = parseWarnings(response.headersDistinct.warning);
    const answer = { status, body: parseBody(text), warnings };
    const delayMs = Number(response.headers['retry-after']) * 1000;
    if ((status === 429 || status === 503) && delayMs >= 0) throw new RetryableFailure(answer, delayMs);
    return answer;
  }

  /**
   * Returns the response as a stream of lines, whatever its status, until the signal is aborted. Throws ConfigError
   * `server-failed` if there is no response; the stream throws the same error if the connection breaks.
   */
  stream(request: ApiRequest, options: StreamOptions): Promise<ApiStream> {
    const refusalOf = ({ status }: ApiStream) =>
      isUnauthenticated({ status, body: {} })
        ? refusal({ status, body: {}, warnings: [] }, `${request.method} ${request.path}`)
        : undefined;
    let last: ApiStream | undefined;
    const open = async () => {
      last?.close(); // the server has refused it
      last = await this.openStream(request, options);
      return last;
    };
    return this.credentials.run(open, refusalOf);
  }

  private async openStream(request: ApiRequest, { signal, silenceMs }: StreamOptions): Promise<ApiStream> {
    const options = await this.optionsFor(request);
    const sent = this.send(request, { agent: this.streamAgent, timeout: silenceMs ?? SILENCE_MS, ...options, signal });
    const lost = (error: unknown) => this.unreachable(error as NodeJS.ErrnoException);
    return new Promise((resolve, reject) => {
      let answer: IncomingMessage | undefined;
      sent.once('error', (error) => reject(lost(error)));
      sent.once('timeout', () => (answer ?? sent).destroy(noResponse(silenceMs ?? SILENCE_MS)));
      sent.once('response', (response) => {
        answer = response;
        if (silenceMs === undefined) sent.setTimeout(0);
        resolve(new ApiStream(response, { signal, lost }));
      });
      // proxies and NAT drop connections that are idle for long
      sent.setSocketKeepAlive(true, SILENCE_MS / 3);
    });
  }

  /** Closes the connections; pending requests fail. */
  close(): void {
    this.credentials.close();
    this.agent.destroy();
    this.streamAgent.destroy();
  }

  private send({ path, query = {}, body }: ApiRequest, options: RequestOptions): ClientRequest {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const request = sendRequest(`${this.target.url}${path}?${new URLSearchParams(given)}`, options);
    const text = body === undefined ? '' : JSON.stringify(body);
    // Node sends no length with the body of a DELETE
    if (text !== '') request.setHeader('content-length', Buffer.byteLength(text));
    return request.end(text);
  }

  private async optionsFor({ method, body, as }: ApiRequest): Promise<RequestOptions> {
    const { config, url, context } = this.target;
    const type = method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json';
    const accept = `application/json${as === undefined ? '' : `;as=${as};v=v1;g=meta.k8s.io`}`;
    const headers = { ...(body === undefined ? {} : { 'content-type': type }), accept, 'user-agent': 'kflow' };
    const options: RequestOptions = { method, headers };
    try {
      await config.applyToHTTPSOptions(options);
    } catch (error) {
      const message = `context "${context}": cannot load its credentials: ${(error as Error).message}`;
      throw new StoreError('credentials-refused', message, { where: url, cause: error });
    }
    // client-node creates an agent for every request, which only a proxy needs
    if (config.getCurrentCluster()?.proxyUrl === undefined) delete options.agent;
    return options;
  }

  private unreachable(cause: NodeJS.ErrnoException): ConfigError | StoreError {
    const { url, context } = this.target;
    if (CERTIFICATE_ALERT.test(cause.code ?? '')) {
      const what = `the cluster at ${url} (context "${context}") does not accept the client certificate`;
      return new StoreError('credentials-refused', `${what}: ${cause.message}`, { where: url, cause });
    }
    const what = `the cluster at ${url} (context "${context}") is unreachable: ${cause.message || cause.code}`;
    return new ConfigError('server-failed', `${what}; check that it is running and that the context is right`, {
      where: url,
      cause,
    });
  }
}

/** A failed attempt to repeat after `delayMs`. `outcome` is the result of the request if no attempt is left. */
class RetryableFailure extends Error {
  constructor(
    readonly outcome: ApiAnswer | Error,
    readonly delayMs: number,
  ) {
    super('retryable');
  }
}

function responseTo(request: ClientRequest): Promise<{ response: IncomingMessage; text: string }> {
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('timeout', () => request.destroy(noResponse(SILENCE_MS)));
    request.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('error', reject);
      response.once('end', () => resolve({ response, text }));
    });
  });
}

function noResponse(ms: number): Error {
  return new Error(`no response within ${ms / 1000} s`);
}

/** Texts of headers such as `299 - "text"`, which may contain several. Node decodes headers as Latin-1. */
function parseWarnings(headers: readonly string[] = []): string[] {
  const text = Buffer.from(headers.join(), 'latin1').toString('utf8');
  return [...text.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) => (match[1] ?? '').replace(/\\(.)/g, '$1'));
}
