import { request as httpRequest, type IncomingMessage } from 'node:http';
import { ConfigError, StoreError } from '../../../lib/errors';
import { retry } from '../../async/retry';

const delays = { firstMs: 100, maxMs: 400 };
const retryForMs = 10_000;

/** Codes of requests that fail because no node serves the socket, or because the node ended meanwhile. */
const unavailableCodes = ['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE'];

export interface NodeRequest {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/**
 * Requests to a process node on a Unix socket. Every request is idempotent and is retried for 10 s while the node is
 * unavailable; then it throws StoreError `server-failed`. A request that the node rejects throws ConfigError.
 */
export class NodeConnection {
  constructor(private readonly socketPath: string) {}

  /** The body of the response. */
  async request<T>(request: NodeRequest): Promise<T> {
    const text = await this.retry(async () => textOf(await this.send(request)));
    return JSON.parse(text) as T;
  }

  /** The lines of a streamed response. They end with the response, with the node, or on the signal. */
  async lines(path: string, signal: AbortSignal): Promise<AsyncIterable<string>> {
    const response = await this.retry(() => this.send({ method: 'GET', path, signal }));
    return linesOf(response, signal);
  }

  /** Like `lines`, but retries without a time limit; undefined on the signal. */
  async linesUntilAborted(path: string, signal: AbortSignal): Promise<AsyncIterable<string> | undefined> {
    while (!signal.aborted) {
      try {
        return await this.lines(path, signal);
      } catch (error) {
        if (!signal.aborted && !(error instanceof StoreError)) throw error;
      }
    }
    return undefined;
  }

  private retry<T>(attempt: () => Promise<T>): Promise<T> {
    const message = `the process node does not respond at ${this.socketPath}; is \`kflow up\` running?`;
    const exhausted = (cause: unknown) => new StoreError('server-failed', message, { cause });
    return retry(attempt, { isRetryable: isUnavailable, delays, timeoutMs: retryForMs, exhausted });
  }

  private async send({ method, path, body, signal }: NodeRequest): Promise<IncomingMessage> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { socketPath: this.socketPath, method, path, agent: false, ...(signal && { signal }) };
      const request = httpRequest(options, resolve);
      request.on('error', reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
    if (response.statusCode === 200) return response;
    const { message } = JSON.parse(await textOf(response)) as { message: string };
    throw response.statusCode === 422
      ? new ConfigError('config-invalid', message)
      : new StoreError('server-failed', `process node: ${message}`);
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += chunk;
  return text;
}

async function* linesOf(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<string> {
  response.setEncoding('utf8');
  let rest = '';
  try {
    for await (const chunk of response) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    if (!signal.aborted && !isUnavailable(error)) throw error; // an interrupted stream has ended
  }
}

function isUnavailable(error: unknown): boolean {
  return unavailableCodes.includes((error as NodeJS.ErrnoException).code ?? '');
}
