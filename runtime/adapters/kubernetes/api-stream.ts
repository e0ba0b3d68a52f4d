import type { IncomingMessage } from 'node:http';

/** An answer of the API server that is read while it comes: a watch, or a log that is followed. */
export class ApiStream {
  constructor(
    private readonly response: IncomingMessage,
    private readonly options: { readonly signal: AbortSignal; readonly lost: (error: unknown) => Error },
  ) {}

  get status(): number {
    return this.response.statusCode ?? 0;
  }

  /** Its lines, without their ends; fewer when the signal comes. Throws when the connection is lost before the end. */
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

  /** All of it, as of an answer that says why there is no stream. */
  async body(): Promise<unknown> {
    let text = '';
    for await (const line of this.lines()) text += `${line}\n`;
    return parseBody(text);
  }
}

/** JSON; a text that is none is given as the message of a Status, as proxies and load balancers answer in their own words. */
export function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.trim() };
  }
}
