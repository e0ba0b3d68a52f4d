import { readFileSync } from 'node:fs';
import type { Client } from '@opensearch-project/opensearch';
import { ConfigError } from '../../../lib/errors';

/** Where a search server is, and how it is reached. */
export interface SearchAccount {
  /** `host:port`, which means http, or a URL; several nodes separated by commas. */
  readonly addr: string;
  readonly user?: string;
  readonly password?: string;
  /** Certificates of the CAs to trust, as PEM text or as the path of a file. Default: those of Node. */
  readonly ca?: string;
  /** How long a request may take. Default: 30 s. */
  readonly timeoutMs?: number;
}

interface Item {
  readonly status: number;
  readonly type?: string;
  readonly reason?: string;
}

type Answer =
  | { readonly is: 'items'; readonly items: readonly Item[] }
  | { readonly is: 'refused'; readonly status: number; readonly reason: string }
  | { readonly is: 'lost'; readonly reason: string };

const defaultTimeoutMs = 30_000;
/** Longest reason that is kept. */
const maxReason = 1_000;

/**
 * The bulk API of a search server. The client is that of OpenSearch, because it speaks to Elasticsearch, too, whose own client
 * refuses every other server; it is loaded by the first request.
 *
 * I1. A request is sent once: who calls decides what is sent again.
 */
export class SearchClient {
  readonly address: string;
  private readonly nodes: readonly string[];
  private readonly ca: string | undefined;
  private opening: Promise<Client> | undefined;

  /** Throws ConfigError when the address is invalid or the CA's file cannot be read. */
  constructor(private readonly account: SearchAccount) {
    this.nodes = searchNodes(account.addr);
    this.address = this.nodes.join(', ');
    this.ca = account.ca === undefined ? undefined : readCa(account.ca);
  }

  async bulk(lines: string): Promise<Answer> {
    try {
      const client = await this.client();
      const { body } = await client.transport.request({ method: 'POST', path: '/_bulk', bulkBody: lines });
      if (!Array.isArray(body.items)) return { is: 'lost', reason: 'the answer is not that of a search server' };
      return { is: 'items', items: body.items.map(itemOf) };
    } catch (error) {
      return answerOf(error);
    }
  }

  async close(): Promise<void> {
    await (await this.opening?.catch(() => undefined))?.close();
  }

  private client(): Promise<Client> {
    this.opening ??= this.open();
    return this.opening;
  }

  private async open(): Promise<Client> {
    const { user, password = '', timeoutMs = defaultTimeoutMs } = this.account;
    const { Client } = await import('@opensearch-project/opensearch');
    return new Client({
      nodes: [...this.nodes],
      maxRetries: 0, // I1
      requestTimeout: timeoutMs,
      ...(user === undefined ? {} : { auth: { username: user, password } }),
      ...(this.ca === undefined ? {} : { ssl: { ca: this.ca } }),
    });
  }
}

/** An item has one key, the name of its action. */
function itemOf(item: object): Item {
  const [result] = Object.values(item) as { status?: number; error?: string | { type?: string; reason?: string } }[];
  const { status = 0, error } = result ?? {};
  if (error === undefined || typeof error === 'string')
    return { status, ...(error === undefined ? {} : { reason: error }) };
  const { type, reason } = error;
  return {
    status,
    ...(type === undefined ? {} : { type }),
    ...(reason === undefined ? {} : { reason: cut(reason) }),
  };
}

interface Failure extends Error {
  readonly statusCode?: number | null;
  readonly meta?: { readonly statusCode?: number | null; readonly body?: unknown };
}

function answerOf(error: unknown): Answer {
  const { message, meta } = error as Failure;
  const status = meta?.statusCode ?? 0;
  // an answer of 2xx that cannot be read may be cut off, or come from something else than a search server
  if (status < 300) return { is: 'lost', reason: cut(message) };
  return { is: 'refused', status, reason: cut(reasonOf(meta?.body) ?? message) };
}

function reasonOf(body: unknown): string | undefined {
  if (typeof body === 'string') return body.replace(/\s+/g, ' ').trim();
  const { error } = (body ?? {}) as { error?: string | { type?: string; reason?: string } };
  if (typeof error === 'string') return error;
  return error?.type === undefined ? undefined : `${error.type}: ${error.reason ?? ''}`;
}

function cut(text: string): string {
  return text.slice(0, maxReason);
}

/** The URLs of the nodes at an address. Throws ConfigError when one is neither `host:port` nor a URL. */
export function searchNodes(addr: string): readonly string[] {
  return addr.split(',').map((node) => urlOf(node.trim()));
}

function urlOf(node: string): string {
  const text = node.includes('://') ? node : `http://${node}`;
  if (URL.canParse(text)) {
    const url = new URL(text);
    const isOpen = url.username === '' && url.password === '';
    if (isOpen && /^https?:$/.test(url.protocol)) return url.toString().replace(/\/$/, '');
  }
  const message = 'addr: must be host:port or a URL of http or https, without user and password';
  throw new ConfigError('setting-invalid', message);
}

function readCa(ca: string): string {
  if (ca.includes('-----BEGIN CERTIFICATE-----')) return ca;
  try {
    return readFileSync(ca, 'utf8');
  } catch (cause) {
    throw new ConfigError('setting-invalid', `ca: cannot read the file ${ca}: ${(cause as Error).message}`, { cause });
  }
}
