import { EventEmitter, once } from 'node:events';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Log } from '../../../log';

export interface StreamedAnswer {
  readonly type: string;
  /** What is sent, until it ends; it must end soon after the signal, which fires when the client has disconnected. */
  readonly chunks: (signal: AbortSignal) => AsyncIterable<string>;
}

/** The answers that are still being sent; `close` ends them all, so that the server can close. */
export class StreamedAnswers {
  private readonly open = new Set<AbortController>();
  private isClosed = false;

  constructor(private readonly log: Log) {}

  /** Sends the headers at once, then each chunk. A failure resets the connection, so that the client notices it. */
  send(reply: FastifyReply, { type, chunks }: StreamedAnswer): FastifyReply {
    const gone = new AbortController();
    if (this.isClosed) gone.abort();
    this.open.add(gone);
    const { raw, request } = reply;
    raw.once('close', () => {
      this.open.delete(gone);
      gone.abort();
    });
    raw.once('pipe', () => raw.flushHeaders());
    const stream = Readable.from(chunks(gone.signal));
    stream.once('error', (error) =>
      this.log('WARNING', `${request.method} ${request.url}: stream aborted: ${error.message}`),
    );
    return reply.type(type).header('x-accel-buffering', 'no').send(stream);
  }

  close(): void {
    this.isClosed = true;
    for (const gone of this.open) gone.abort();
  }
}

/** How long closing the API waits for pending answers. */
const graceMs = 5_000;

/**
 * Makes closing the API end the streams and wait for pending answers. The server accepts no connections from then on,
 * open connections end with their answers, and the rest is cut after the grace period.
 */
export function drainOnClose(app: FastifyInstance, streams: StreamedAnswers): void {
  const answered = new EventEmitter();
  let pending = 0;
  app.addHook('onRequest', async (_request, reply) => {
    pending += 1;
    reply.raw.once('close', () => {
      pending -= 1;
      if (pending === 0) answered.emit('all');
    });
  });
  app.addHook('preClose', async () => {
    app.server.close();
    streams.close();
    if (pending === 0) return;
    const timer = setTimeout(() => answered.emit('all'), graceMs);
    await once(answered, 'all');
    clearTimeout(timer);
  });
}
