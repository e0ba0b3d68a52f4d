import type { IncomingMessage } from 'node:http';

/** A streamed response of the API server: a watch, or a followed log. */
export class ApiStream {
  constructor(
    private readonly response: IncomingMessage,
    private readonly options: { readonly signal: AbortSignal; readonly lost: (error: unknown) => Error },
  ) {}

  get status(): number {
    return this.response.statusCode ?? 0;
  }

  /** The lines of the response, until its end or until the signal is aborted. Throws if the connection breaks. */
  async *lines(): AsyncIterable<string> {
    let rest = '';
    try {
      for await (const chunk of this.response.setEncoding('utf8')) {
        const lines = `${rest}${chunk}`.split('\n');
        rest = lines.pop() ?? '';
        yield* lines;
      }
    } catch (error) {
      if (!this.options.signal.aborted) throw this.options.lost(error);
      return;
    }
    if (rest !== '') yield rest;
  }

  /** Ends a response that nobody reads. */
  close(): void {
    this.response.destroy();
  }

  /** The whole response, such as a Status that says why there is no stream. */
  async body(): Promise<unknown> {
    let text = '';
    for await (const line of this.lines()) text += `${line}\n`;
    return parseBody(text);
  }
}

/** Parsed JSON. Other text, as proxies and load balancers send it, becomes the message of a Status. */
export function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.trim() };
  }
}
