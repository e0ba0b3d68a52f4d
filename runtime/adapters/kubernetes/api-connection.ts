import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request as sendRequest } from 'node:https';
import { ConfigError } from '../../../lib/errors';
import { retry } from '../../async/retry';
import { ApiStream, parseBody } from './api-stream';
import type { LoadedKubeConfig } from './load-kube-config';

const SILENCE_MS = 30_000;
const ATTEMPTS = 10;
const MAX_SOCKETS = 16;

/** A request that may be repeated without harm, as every one here. */
export interface ApiRequest {
  readonly method: 'GET' | 'PATCH' | 'DELETE';
  /** From the root of the server, as `/apis/apps/v1`. */
  readonly path: string;
  readonly query?: { readonly [name: string]: string | undefined };
  /** The manifest of a server-side apply, or the options of a delete. */
  readonly body?: unknown;
  /** Objects are to come without anything but their metadata: one, as a watch gives them too, or a list. */
  readonly as?: 'PartialObjectMetadata' | 'PartialObjectMetadataList';
}

export interface ApiAnswer {
  readonly status: number;
  /** Parsed JSON; a text that is none is given as the message of a Status. */
  readonly body: unknown;
  /** The texts of its Warning headers. */
  readonly warnings: readonly string[];
}

export interface StreamOptions {
  readonly signal: AbortSignal;
  /** After this long without a byte the answer counts as lost; left out, it may be silent for ever. */
  readonly silenceMs?: number;
}

/**
 * Requests to the API server of a kubeconfig's context. client-node's own requests lose the warnings, and the fields
 * they do not know, before the server can refuse them.
 */
export class ApiConnection {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  /** Answers without an end must not take the sockets of the others. */
  private readonly streamAgent = new Agent({ keepAlive: false });

  constructor(readonly target: LoadedKubeConfig) {}

  /** Gives every answer, whatever its status. Throws ConfigError `server-failed` when none comes. */
  async request(request: ApiRequest): Promise<ApiAnswer> {
    try {
      return await retry(() => this.attempt(request), {
        isRetryable: (error) => error instanceof RetryableFailure,
        delays: (error) => (error as RetryableFailure).delayMs,
        attempts: ATTEMPTS,
      });
    } catch (error) {
      if (!(error instanceof RetryableFailure)) throw error;
      if (error.outcome instanceof ConfigError) throw error.outcome;
      return error.outcome;
    }
  }

  private async attempt(request: ApiRequest): Promise<ApiAnswer> {
    const options = await this.optionsFor(request);
    const sent = this.send(request, { agent: this.agent, timeout: SILENCE_MS, ...options });
    const { response, text } = await answerTo(sent).catch((error: NodeJS.ErrnoException) => {
      const failure = this.unreachable(error);
      // The server may close a kept connection in the moment it is used again.
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
   * Gives an answer line by line as it comes, whatever its status; it ends on the signal. Throws ConfigError
   * `server-failed` when none comes, as its lines do when they break off.
   */
  async stream(request: ApiRequest, { signal, silenceMs }: StreamOptions): Promise<ApiStream> {
    const options = await this.optionsFor(request);
    const sent = this.send(request, { agent: this.streamAgent, timeout: silenceMs ?? SILENCE_MS, ...options, signal });
    const lost = (error: unknown) => this.unreachable(error as NodeJS.ErrnoException);
    return new Promise((resolve, reject) => {
      let answer: IncomingMessage | undefined;
      sent.once('error', (error) => reject(lost(error)));
      sent.once('timeout', () => (answer ?? sent).destroy(silent(silenceMs ?? SILENCE_MS)));
      sent.once('response', (response) => {
        answer = response;
        if (silenceMs === undefined) sent.setTimeout(0);
        resolve(new ApiStream(response, { signal, lost }));
      });
      // What lies between drops a connection that is idle for long.
      sent.setSocketKeepAlive(true, SILENCE_MS / 3);
    });
  }

  /** Ends the connections; requests that are under way fail. */
  close(): void {
    this.agent.destroy();
    this.streamAgent.destroy();
  }

  private send({ path, query = {}, body }: ApiRequest, options: RequestOptions): ClientRequest {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const request = sendRequest(`${this.target.url}${path}?${new URLSearchParams(given)}`, options);
    const text = body === undefined ? '' : JSON.stringify(body);
    // Node does not tell the length of what goes with a DELETE.
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
      const message = `context "${context}": its credentials cannot be had: ${(error as Error).message}`;
      throw new ConfigError('config-invalid', message, { where: url, cause: error });
    }
    // Its agent is another one for every request, which only a proxy needs.
    if (config.getCurrentCluster()?.proxyUrl === undefined) delete options.agent;
    return options;
  }

  private unreachable(cause: NodeJS.ErrnoException): ConfigError {
    const { url, context } = this.target;
    const what = `the cluster at ${url} (context "${context}") cannot be reached: ${cause.message || cause.code}`;
    return new ConfigError('server-failed', `${what}; check that it runs and that you mean it`, { where: url, cause });
  }
}

/** An attempt to be repeated after `delayMs`. `outcome` is the outcome of the request if it was the last attempt. */
class RetryableFailure extends Error {
  constructor(
    readonly outcome: ApiAnswer | ConfigError,
    readonly delayMs: number,
  ) {
    super('retryable');
  }
}

function answerTo(request: ClientRequest): Promise<{ response: IncomingMessage; text: string }> {
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('timeout', () => request.destroy(silent(SILENCE_MS)));
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

function silent(ms: number): Error {
  return new Error(`no answer within ${ms / 1000} s`);
}

/** As in `299 - "text"`, of which a header may hold several. Node gives headers as Latin-1. */
function parseWarnings(headers: readonly string[] = []): string[] {
  const text = Buffer.from(headers.join(), 'latin1').toString('utf8');
  return [...text.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) => (match[1] ?? '').replace(/\\(.)/g, '$1'));
}
