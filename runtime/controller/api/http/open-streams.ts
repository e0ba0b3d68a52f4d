import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Log } from '../../../log';

export interface StreamedAnswer {
  readonly type: string;
  /** What is sent, until it ends; it has to end soon after the signal, which comes when the client is gone. */
  readonly chunks: (signal: AbortSignal) => AsyncIterable<string>;
}

/** The answers that are still being sent: `close` ends them all, so that the server can end. */
export class OpenStreams {
  private readonly open = new Set<AbortController>();
  private isClosed = false;

  constructor(private readonly log: Log) {}

  /** Sends the head at once, and then what comes. A failure on the way breaks the connection: the client has not got all. */
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
      this.log('WARNING', `${request.method} ${request.url}: broken off: ${error.message}`),
    );
    return reply.type(type).header('x-accel-buffering', 'no').send(stream);
  }

  close(): void {
    this.isClosed = true;
    for (const gone of this.open) gone.abort();
  }
}
