import { userInfo } from 'node:os';
import type { z } from 'zod';
import { CommandError, ExitStatus } from '../exit-status';
import { refusalOf } from './api-refusal';
import type { ControllerAddress } from './controller-address';

/** A controller answers within this, or counts as away. */
const answerWithinMs = 60_000;

/** A document as it goes over the wire. */
export interface DocumentBody {
  readonly text: string;
  readonly contentType: 'application/json' | 'application/yaml';
}

interface Sent {
  readonly document?: DocumentBody;
  readonly headers?: Headers;
}

interface Streamed {
  readonly accept: string;
  readonly headers?: Headers;
  readonly signal?: AbortSignal;
}

interface Asked extends Sent {
  readonly method: string;
  readonly signal?: AbortSignal;
}

/** Requests to one controller. Answers that are not 2xx, and those that do not come, are thrown as CommandError. */
export class ControllerConnection {
  constructor(
    private readonly address: ControllerAddress,
    private readonly withinMs: number = answerWithinMs,
  ) {}

  get(path: string): Promise<Response> {
    return this.request(path, { method: 'GET', signal: AbortSignal.timeout(this.withinMs) });
  }

  send(method: 'POST' | 'DELETE', path: string, sent: Sent): Promise<Response> {
    return this.request(path, { method, ...sent, signal: AbortSignal.timeout(this.withinMs) });
  }

  async text(path: string, accept: string): Promise<string> {
    const signal = AbortSignal.timeout(this.withinMs);
    return this.body(await this.request(path, { method: 'GET', headers: new Headers({ accept }), signal }));
  }

  /** A body as it arrives, for as long as the controller has more to say. */
  async stream(
    path: string,
    { accept, headers = new Headers(), signal }: Streamed,
  ): Promise<AsyncGenerator<Uint8Array>> {
    headers.set('accept', accept);
    const { body } = await this.request(path, { method: 'GET', headers, signal });
    return this.chunks(body);
  }

  /** The answer's body; throws when it is not what the API says it is. Fields that are not known here stay. */
  async json<T>(schema: z.ZodType<T>, answer: Response): Promise<T> {
    return this.checked(schema, await this.body(answer));
  }

  /** The same of a text that has arrived. */
  checked<T>(schema: z.ZodType<T>, text: string): T {
    const body = parsed(text);
    const check = schema.safeParse(body);
    if (check.success) return body as T;
    const [issue] = check.error.issues;
    const place = issue === undefined || issue.path.length === 0 ? '' : ` (${issue.path.join('.')}: ${issue.message})`;
    const message = `${this.address.url} answered something else than this kflow knows${place}; is it a controller of this version?`;
    throw new CommandError(ExitStatus.refused, 'config-invalid', message);
  }

  private async request(path: string, { method, document, headers = new Headers(), signal }: Asked): Promise<Response> {
    const { url, token } = this.address;
    if (!headers.has('accept')) headers.set('accept', 'application/json, text/*;q=0.9');
    if (token === undefined) headers.set('kflow-user', headerText(userName()));
    else headers.set('authorization', `Bearer ${token}`);
    if (document !== undefined) headers.set('content-type', document.contentType);
    let response: Response;
    try {
      response = await fetch(url + path, { method, headers, body: document?.text, signal });
    } catch (error) {
      throw this.unreachable(error);
    }
    if (response.ok) return response;
    throw await refusalOf(response, url);
  }

  private body(answer: Response): Promise<string> {
    return answer.text().catch((error) => Promise.reject(this.unreachable(error)));
  }

  private async *chunks(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
    if (body === null) return;
    try {
      yield* body as unknown as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw this.unreachable(error);
    }
  }

  private unreachable(error: unknown): CommandError {
    const { url, from } = this.address;
    const place = from === undefined ? url : `${url} (${from})`;
    const { name, cause, message } = error as Error;
    const why = (cause as Error | undefined)?.message || message;
    const told = name === 'TimeoutError' ? `not within ${this.withinMs / 1_000} s` : why;
    return new CommandError(
      ExitStatus.unreachable,
      'server-failed',
      `no controller answers at ${place}: ${told}\nstart one with kflow up, or set KFLOW_URL`,
      error,
    );
  }
}

/** Text as a header carries it, the way curl does: the bytes of UTF-8, on one line. */
export function headerText(text: string): string {
  return Buffer.from(text.replace(/\s+/g, ' ').trim()).toString('latin1');
}

/** A name for the audit log where no token tells one. */
function userName(): string {
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
    // the schema refuses it, and says so
    return undefined;
  }
}
