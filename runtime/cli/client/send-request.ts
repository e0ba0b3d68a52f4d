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
 * it trusts a given CA, notices a silent connection, and follows no redirects. Rejects with the error of the socket, the
 * reason of the signal, or why the response is invalid; the body of the response fails with the first two as well.
 */
export function sendRequest(url: string, request: HttpRequest): Promise<Response> {
  const { method, headers, body, signal, ca, silenceMs } = request;
  return new Promise((resolve, reject) => {
    const options = { method, headers: Object.fromEntries(headers), agent: false as const };
    const sent = url.startsWith('https:') ? https.request(url, { ...options, ca }) : http.request(url, options);
    // an error given to the request is lost once there is a response
    let open: http.ClientRequest | http.IncomingMessage = sent;
    const abort = () => open.destroy(signal?.reason);
    sent.on('error', reject);
    sent.once('close', () => signal?.removeEventListener('abort', abort));
    sent.once('response', (message) => {
      open = message;
      try {
        resolve(responseOf(message));
      } catch (error) {
        message.destroy();
        reject(new Error(`the response is not valid HTTP: ${(error as Error).message}`, { cause: error }));
      }
    });
    if (silenceMs !== undefined) {
      sent.setTimeout(silenceMs, () => open.destroy(new Error(`no data for ${silenceMs / 1_000} s`)));
    }
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
    // with a text, Node would encode the headers as UTF-8 once more
    sent.end(body === undefined ? undefined : Buffer.from(body));
  });
}

/** Throws for a status or a header that the standard does not have. */
function responseOf(message: http.IncomingMessage): Response {
  const { statusCode: status = 0, statusMessage: statusText, headersDistinct } = message;
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(headersDistinct))
    for (const value of values) headers.append(name, value);
  const isEmpty = [204, 205, 304].includes(status);
  const body = isEmpty ? null : (Readable.toWeb(message) as ReadableStream<Uint8Array>);
  const response = new Response(body, { status, statusText, headers });
  if (isEmpty) message.resume();
  return response;
}
