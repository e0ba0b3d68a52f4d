import { userInfo } from 'node:os';
import type { z } from 'zod';
import { ConfigError } from '../../../lib/errors';
import { ControllerUnavailable, errorOf, ForeignResponse, isPage } from './client-error';
import { connectionFault, isCertificateFault } from './connection-fault';
import { sendRequest } from './send-request';

/** The address of a controller, and the token of its client. */
export interface ControllerAddress {
  /** Without a trailing slash. */
  readonly url: string;
  /** Option, variable or file that set the address, for messages; undefined for the default. */
  readonly from?: string;
  readonly token?: string;
  /** PEM text of the CAs that may issue the certificate of the controller; default: those that the system trusts. */
  readonly ca?: string;
}

/** A request fails without a response in this time. */
export const responseTimeoutMs = 60_000;
/** A stream counts as lost without a byte in this time; the controller sends something every ten seconds. */
const silenceMs = 45_000;

/** The body of a request. */
export interface DocumentBody {
  readonly text: string;
  readonly contentType: 'application/json' | 'application/yaml';
}

interface Payload {
  readonly document?: DocumentBody;
  readonly headers?: Headers;
}

interface StreamRequest {
  readonly accept: string;
  readonly headers?: Headers;
  readonly signal?: AbortSignal;
  /** The controller sends something at least every ten seconds. */
  readonly isKeptAlive?: boolean;
}

interface Request extends Payload {
  readonly method: string;
  readonly signal?: AbortSignal;
  readonly silenceMs?: number;
}

/** Requests to one controller. Throws `errorOf` a response that is not 2xx, ControllerUnavailable without a response. */
export class ControllerConnection {
  constructor(
    private readonly address: ControllerAddress,
    private readonly timeoutMs: number = responseTimeoutMs,
  ) {}

  get(path: string): Promise<Response> {
    return this.request(path, { method: 'GET', signal: AbortSignal.timeout(this.timeoutMs) });
  }

  send(method: 'POST' | 'DELETE', path: string, payload: Payload): Promise<Response> {
    return this.request(path, { method, ...payload, signal: AbortSignal.timeout(this.timeoutMs) });
  }

  async text(path: string, accept: string): Promise<string> {
    const signal = AbortSignal.timeout(this.timeoutMs);
    return this.body(await this.request(path, { method: 'GET', headers: new Headers({ accept }), signal }));
  }

  /** A body as it arrives, until the controller ends it. */
  async stream(
    path: string,
    { accept, headers = new Headers(), signal, isKeptAlive = false }: StreamRequest,
  ): Promise<AsyncGenerator<Uint8Array>> {
    headers.set('accept', accept);
    const { body } = await this.request(path, {
      method: 'GET',
      headers,
      signal,
      silenceMs: isKeptAlive ? silenceMs : this.timeoutMs,
    });
    return this.chunks(body);
  }

  /** The body of a response. Throws ConfigError when it does not match the schema; fields beyond the schema are kept. */
  async json<T>(schema: z.ZodType<T>, answer: Response): Promise<T> {
    return this.checked(schema, await this.body(answer));
  }

  /** Like `json`, for a text. */
  checked<T>(schema: z.ZodType<T>, text: string): T {
    const body = parsed(text);
    const check = schema.safeParse(body);
    if (check.success) return body as T;
    const [issue] = check.error.issues;
    const place = issue === undefined || issue.path.length === 0 ? '' : ` (${issue.path.join('.')}: ${issue.message})`;
    const message = `${this.address.url} sent a response that this kflow does not understand${place}; check that its controller has the same version`;
    throw new ConfigError('config-invalid', message);
  }

  private async request(
    path: string,
    { method, document, headers = new Headers(), signal, silenceMs: limit }: Request,
  ): Promise<Response> {
    const { url, token, ca } = this.address;
    if (!headers.has('accept')) headers.set('accept', 'application/json, text/*;q=0.9');
    if (token === undefined) headers.set('kflow-user', headerText(userName()));
    else headers.set('authorization', `Bearer ${token}`);
    if (document !== undefined) headers.set('content-type', document.contentType);
    const request = { method, headers, body: document?.text, signal, ca, silenceMs: limit };
    const response = await sendRequest(url + path, request).catch((error) => {
      throw isCertificateFault(error) ? this.untrusted(error) : this.unavailable(error);
    });
    if (response.ok && !isPage(response)) return response;
    if (response.ok) {
      await response.body?.cancel();
      throw new ForeignResponse(url, 'a web page', 'check that this is the address of a controller, or log in there');
    }
    throw errorOf(response, await this.body(response), url);
  }

  private body(answer: Response): Promise<string> {
    return answer.text().catch((error) => Promise.reject(this.unavailable(error)));
  }

  private async *chunks(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
    if (body === null) return;
    try {
      yield* body as unknown as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw this.unavailable(error);
    }
  }

  private get place(): string {
    const { url, from } = this.address;
    return from === undefined ? url : `${url} (${from})`;
  }

  private unavailable(error: unknown): ControllerUnavailable {
    const isLate = (error as Error).name === 'TimeoutError';
    const reason = isLate ? `no response within ${this.timeoutMs / 1_000} s` : connectionFault(error);
    const isLocal = /^(localhost|127\..*|\[::1\])$/.test(new URL(this.address.url).hostname);
    const advice = isLocal
      ? 'start one with kflow up, start its kubectl port-forward again, which ends with its pod, or set KFLOW_URL'
      : 'check the address and the network';
    return new ControllerUnavailable(`cannot reach the controller at ${this.place}: ${reason}\n${advice}`, {
      cause: error,
      reason: isLocal ? `${reason}; a kubectl port-forward ends with its pod: start it again` : reason,
    });
  }

  private untrusted(error: unknown): ConfigError {
    const message = `cannot use the controller at ${this.place}: ${connectionFault(error)}`;
    return new ConfigError('config-invalid', message, { cause: error });
  }
}

/** Text as the value of a header: UTF-8 bytes on one line, as curl sends them. */
export function headerText(text: string): string {
  return Buffer.from(text.replace(/\s+/g, ' ').trim()).toString('latin1');
}

/** A name for the audit log of a controller without tokens, and for letters without a controller. */
export function userName(): string {
  try {
    return userInfo().username.slice(0, 64);
  } catch {
    // a container's user may have no name
    return String(process.getuid?.() ?? 'unknown');
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // the schema rejects undefined, with a message
    return undefined;
  }
}
