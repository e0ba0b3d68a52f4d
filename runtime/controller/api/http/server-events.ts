import { orSilence } from './or-silence';

export const serverEventType = 'text/event-stream';

/** One of HTML's server-sent events. */
export interface ServerEvent {
  readonly name: string;
  readonly id?: string;
  readonly data: unknown;
}

/** A client that lost the connection asks again after this long. */
const retryMs = 2_000;

/** The text of events as they come, and a comment whenever there was none for so long that somebody on the way could hang up. */
export async function* encodeServerEvents(
  events: AsyncIterable<ServerEvent>,
  keepAliveMs: number,
): AsyncGenerator<string> {
  yield `retry: ${retryMs}\n\n`;
  const iterator = events[Symbol.asyncIterator]();
  try {
    for (let next = iterator.next(); ; ) {
      const got = await orSilence(next, keepAliveMs);
      if (got === 'silence') {
        yield ': keep-alive\n\n';
      } else if (got.done === true) {
        return;
      } else {
        yield encode(got.value);
        next = iterator.next();
      }
    }
  } finally {
    await iterator.return?.();
  }
}

function encode({ name, id, data }: ServerEvent): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
