import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request as sendRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '../../../lib/errors';
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
  /** The manifest of a server-side apply. */
  readonly manifest?: unknown;
}

export interface ApiAnswer {
  readonly status: number;
  /** Parsed JSON; a text that is none is given as the message of a Status. */
  readonly body: unknown;
  /** The texts of its Warning headers. */
  readonly warnings: readonly string[];
}

/**
 * Requests to the API server of a kubeconfig's context. client-node's own requests lose the warnings, and the fields
 * they do not know, before the server can refuse them.
 */
export class ApiConnection {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });

  constructor(readonly target: LoadedKubeConfig) {}

  /** Gives every answer, whatever its status. Throws ConfigError `server-failed` when none comes. */
  async request({ method, path, query = {}, manifest }: ApiRequest): Promise<ApiAnswer> {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const url = `${this.target.url}${path}?${new URLSearchParams(given)}`;
    for (let attempt = 1; ; attempt++) {
      const request = sendRequest(url, await this.requestOptions(method));
      try {
        const { response, text } = await answerTo(request, manifest && JSON.stringify(manifest));
        const status = response.statusCode ?? 0;
        const pauseMs = Number(response.headers['retry-after']) * 1000;
        const isPutOff = (status === 429 || status === 503) && pauseMs >= 0;
        if (isPutOff && attempt < ATTEMPTS) await sleep(pauseMs);
        else return { status, body: parseBody(text), warnings: parseWarnings(response.headersDistinct.warning) };
      } catch (error) {
        // The server may close a kept connection in the moment it is used again.
        const isStale = request.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET';
        if (!isStale || attempt === ATTEMPTS) throw this.unreachable(error as NodeJS.ErrnoException);
      }
    }
  }

  private async requestOptions(method: string): Promise<RequestOptions> {
    const { config, url, context } = this.target;
    const type = method === 'PATCH' ? { 'content-type': 'application/apply-patch+yaml' } : {};
    const headers = { ...type, accept: 'application/json', 'user-agent': 'kflow' };
    const options: RequestOptions = { method, headers, timeout: SILENCE_MS };
    try {
      await config.applyToHTTPSOptions(options);
    } catch (error) {
      const message = `context "${context}": its credentials cannot be had: ${(error as Error).message}`;
      throw new ConfigError('config-invalid', message, { where: url, cause: error });
    }
    // Its agent is another one for every request, which only a proxy needs.
    return config.getCurrentCluster()?.proxyUrl === undefined ? { ...options, agent: this.agent } : options;
  }

  private unreachable(cause: NodeJS.ErrnoException): ConfigError {
    const { url, context } = this.target;
    const what = `the cluster at ${url} (context "${context}") cannot be reached: ${cause.message || cause.code}`;
    return new ConfigError('server-failed', `${what}; check that it runs and that you mean it`, { where: url, cause });
  }
}

function answerTo(request: ClientRequest, body: unknown): Promise<{ response: IncomingMessage; text: string }> {
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('timeout', () => request.destroy(new Error(`no answer within ${SILENCE_MS / 1000} s`)));
    request.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('error', reject);
      response.once('end', () => resolve({ response, text }));
    });
    request.end(body);
  });
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Proxies and load balancers answer in their own words.
    return { message: text.trim() };
  }
}

/** As in `299 - "text"`, of which a header may hold several. Node gives headers as Latin-1. */
function parseWarnings(headers: readonly string[] = []): string[] {
  const text = Buffer.from(headers.join(), 'latin1').toString('utf8');
  return [...text.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) => (match[1] ?? '').replace(/\\(.)/g, '$1'));
}
