import { setTimeout as delay } from 'node:timers/promises';

export const serverEventType = 'text/event-stream';

/** An event of HTML's server-sent events. */
export interface ServerEvent {
  readonly name: string;
  readonly id?: string;
  readonly data: unknown;
}

/** How long a client waits before it reconnects. */
const reconnectMs = 2_000;

/** Encodes server-sent events; while there are none, a comment every `keepAliveMs` keeps proxies from closing the connection. */
export async function* encodeServerEvents(
  events: AsyncIterable<ServerEvent>,
  keepAliveMs: number,
): AsyncGenerator<string> {
  yield `retry: ${reconnectMs}\n\n`;
  yield* keepAlive(encodeEach(events), { everyMs: keepAliveMs, filler: ': keep-alive\n\n' });
}

async function* encodeEach(events: AsyncIterable<ServerEvent>): AsyncGenerator<string> {
  for await (const { name, id, data } of events) {
    yield `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
  }
}

/** The texts, and the filler whenever there was none for `everyMs`. */
export async function* keepAlive(
  texts: AsyncIterable<string>,
  { everyMs, filler }: { readonly everyMs: number; readonly filler: string },
): AsyncGenerator<string> {
  const iterator = texts[Symbol.asyncIterator]();
  try {
    for (let next = iterator.next(); ; ) {
      const got = await orSilence(next, everyMs);
      if (got === 'silence') {
        yield filler;
      } else if (got.done === true) {
        return;
      } else {
        yield got.value;
        next = iterator.next();
      }
    }
  } finally {
    await iterator.return?.();
  }
}

/** The promise's value, or `silence` if it is still pending after `ms`. */
async function orSilence<T>(next: Promise<T>, ms: number): Promise<T | 'silence'> {
  const timer = new AbortController();
  try {
    return await Promise.race([next, delay(ms, 'silence' as const, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}
