import { EventEmitter, once } from 'node:events';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Log } from '../../../log';

export interface StreamedResponse {
  readonly type: string;
  /** The parts of the body. They must end soon after the signal is aborted, which happens when the client disconnects. */
  readonly chunks: (signal: AbortSignal) => AsyncIterable<string>;
  /** The end of the response means that everything was sent: a controller that closes resets the connection instead. */
  readonly isWhole?: true;
}

/** Responses that are still being sent. `close` ends them all, so that the server can close. */
export class StreamedResponses {
  private readonly open = new Set<AbortController>();
  private isClosed = false;

  constructor(private readonly log: Log) {}

  /** Sends the headers at once, then each chunk. A failure resets the connection, so that the client notices it. */
  send(reply: FastifyReply, { type, chunks, isWhole }: StreamedResponse): FastifyReply {
    const gone = new AbortController();
    if (this.isClosed) gone.abort();
    this.open.add(gone);
    const { raw, request } = reply;
    raw.once('close', () => {
      this.open.delete(gone);
      gone.abort();
    });
    raw.once('pipe', () => raw.flushHeaders());
    const stream = Readable.from(isWhole ? this.whole(chunks(gone.signal)) : chunks(gone.signal));
    stream.once('error', (error) =>
      this.log('WARNING', `${request.method} ${request.url}: stream aborted: ${error.message}`),
    );
    return reply.type(type).header('x-accel-buffering', 'no').send(stream);
  }

  close(): void {
    this.isClosed = true;
    for (const gone of this.open) gone.abort();
  }

  /** The chunks. Throws if they ended because of `close`. */
  private async *whole(chunks: AsyncIterable<string>): AsyncGenerator<string> {
    yield* chunks;
    if (this.isClosed) throw new Error('the controller is shutting down');
  }
}

/** How long closing the API waits for pending responses. */
const graceMs = 5_000;

/**
 * Makes closing the API end the streams and wait for pending responses. From then on the server accepts no connections;
 * open connections are closed after their responses, or at the end of the grace period.
 */
export function drainOnClose(app: FastifyInstance, streams: StreamedResponses): void {
  const finished = new EventEmitter();
  let pending = 0;
  app.addHook('onRequest', async (_request, reply) => {
    pending += 1;
    reply.raw.once('close', () => {
      pending -= 1;
      if (pending === 0) finished.emit('all');
    });
  });
  app.addHook('preClose', async () => {
    app.server.close();
    streams.close();
    if (pending === 0) return;
    const timer = setTimeout(() => finished.emit('all'), graceMs);
    await once(finished, 'all');
    clearTimeout(timer);
  });
}
