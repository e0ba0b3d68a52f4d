import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';

export interface HttpRequest {
  readonly method: string;
  readonly headers: Headers;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** PEM text of the CAs to trust instead of the system's. */
  readonly ca?: string;
  /** The connection counts as lost after this time without a byte; default: never. */
  readonly silenceMs?: number;
}

/**
 * Sends a request on a connection of its own, and resolves with the response when its headers have arrived. Unlike `fetch`,
 * it trusts a given CA, notices a silent connection, and follows no redirects. Rejects with the error of the socket; the
 * body of the response fails with it too.
 */
export function sendRequest(url: string, request: HttpRequest): Promise<Response> {
  const { method, headers, body, signal, ca, silenceMs } = request;
  const isSecure = url.startsWith('https:');
  return new Promise((resolve, reject) => {
    const options = { method, headers: Object.fromEntries(headers), signal, agent: false as const };
    const sent = isSecure ? https.request(url, { ...options, ca }) : http.request(url, options);
    sent.once('error', reject);
    if (silenceMs !== undefined) sent.setTimeout(silenceMs, () => sent.destroy(silence(silenceMs)));
    sent.once('response', (response) => resolve(responseOf(response)));
    // with a text, Node would encode the headers as UTF-8 once more
    sent.end(body === undefined ? undefined : Buffer.from(body));
  });
}

function responseOf(message: http.IncomingMessage): Response {
  const { statusCode: status = 502, statusMessage: statusText, headersDistinct } = message;
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(headersDistinct))
    for (const value of values) headers.append(name, value);
  const isEmpty = status === 204 || status === 304;
  if (isEmpty) message.resume();
  const body = isEmpty ? null : (Readable.toWeb(message) as ReadableStream<Uint8Array>);
  return new Response(body, { status, statusText, headers });
}

function silence(ms: number): Error {
  return Object.assign(new Error(`no data for ${ms / 1_000} s`), { code: 'ESILENT' });
}
