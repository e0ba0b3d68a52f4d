import { request as httpRequest, type IncomingMessage } from 'node:http';
import { ConfigError, StoreError } from '../../../lib/errors';
import { retry } from '../../async/retry';

const delays = { firstMs: 100, maxMs: 400 };
const retryForMs = 10_000;

/** How a request ends when nobody serves the socket, or whoever did has ended meanwhile. */
const awayCodes = ['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE'];

export interface NodeRequest {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/**
 * Requests to a node on a Unix socket. All may be repeated, and are while the node is away, for 10 s; then they throw
 * StoreError `server-failed`. What the node refuses is a ConfigError.
 */
export class NodeConnection {
  constructor(private readonly socketPath: string) {}

  /** The body of the answer. */
  async request<T>(request: NodeRequest): Promise<T> {
    const text = await this.retry(async () => textOf(await this.send(request)));
    return JSON.parse(text) as T;
  }

  /** The lines of a stream that has begun. They end with it, with the node, or on the signal. */
  async lines(path: string, signal: AbortSignal): Promise<AsyncIterable<string>> {
    const response = await this.retry(() => this.send({ method: 'GET', path, signal }));
    return linesOf(response, signal);
  }

  /** The same, with no limit to the patience; undefined on the signal. */
  async linesAtLast(path: string, signal: AbortSignal): Promise<AsyncIterable<string> | undefined> {
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
    const message = `the processes of this machine are away: ${this.socketPath} does not answer; is \`kflow up\` running?`;
    const exhausted = (cause: unknown) => new StoreError('server-failed', message, { cause });
    return retry(attempt, { isRetryable: isAway, delays, timeoutMs: retryForMs, exhausted });
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
      : new StoreError('server-failed', `the processes of this machine: ${message}`);
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
    if (!signal.aborted && !isAway(error)) throw error; // a stream that is cut off has ended
  }
}

function isAway(error: unknown): boolean {
  return awayCodes.includes((error as NodeJS.ErrnoException).code ?? '');
}
