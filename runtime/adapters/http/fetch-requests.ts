import { lookup } from 'node:dns/promises';
import { BlockList } from 'node:net';
import { ConfigError, StoreError } from '../../../lib/errors';
import type { HttpRequest, HttpResponse, Requests } from '../../controller/executions/ports/requests';

/** Longest response, in bytes. */
const maxBytes = 10 * 2 ** 20;
/** Without a timeout of the task, a request may take so long. */
const maxMs = 300_000;

/** Addresses of the machine's cloud, which gives out the credentials of the controller. */
const forbidden = new BlockList();
forbidden.addSubnet('169.254.0.0', 16, 'ipv4');
forbidden.addSubnet('fe80::', 10, 'ipv6');
forbidden.addAddress('fd00:ec2::254', 'ipv6');

/**
 * Requests with `fetch`.
 *
 * I1. No request goes to a link-local address, by whatever name: there are the credentials of the machine.
 */
export class FetchRequests implements Requests {
  async send(
    { method, url, query, headers, contentType, body }: HttpRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    await assertAllowed(url);
    try {
      const response = await fetch(targetOf(url, query), {
        method,
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(maxMs)]),
        ...(body === undefined ? {} : { body }),
        headers: { ...headers, ...(contentType === undefined ? {} : { 'content-type': contentType }) },
      });
      return {
        status: response.status,
        contentType: response.headers.get('content-type') ?? '',
        text: await textOf(response),
      };
    } catch (cause) {
      if (cause instanceof ConfigError) throw cause;
      const why = (cause as Error).cause instanceof Error ? ((cause as Error).cause as Error).message : String(cause);
      throw new StoreError('store-failed', `${method} ${url}: ${why}`, { cause, where: url });
    }
  }
}

/** The query of the address stays as it is written. */
function targetOf(url: string, query: HttpRequest['query']): URL {
  const target = new URL(url);
  if (query !== undefined) target.search += `${target.search === '' ? '' : '&'}${new URLSearchParams(query)}`;
  return target;
}

/** I1. */
async function assertAllowed(text: string): Promise<void> {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new ConfigError('config-invalid', `${text}: not a URL; expected http://… or https://…`, { cause });
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new ConfigError('config-invalid', `${text}: only http and https are requested, got ${url.protocol}`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const found = await lookup(host, { all: true }).catch(() => []); // the request says why
  for (const { address, family } of found) {
    if (!forbidden.check(address, family === 6 ? 'ipv6' : 'ipv4')) continue;
    throw new ConfigError('config-invalid', `${text}: requests to link-local addresses are not allowed`);
  }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxBytes)
      throw new ConfigError('config-invalid', `${response.url}: the response is over ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
