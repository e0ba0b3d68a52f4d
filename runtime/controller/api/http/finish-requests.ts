import { EventEmitter, once } from 'node:events';
import type { FastifyInstance } from 'fastify';
import type { OpenStreams } from './open-streams';

/** The longest that a request is waited for when the API is closed. */
const graceMs = 5_000;

/**
 * Has the end of the API end its streams, and wait for the answers that are due. No connection is taken from then on, and
 * those that are open end with their answers; those that are left are cut by the server.
 */
export function finishRequests(app: FastifyInstance, streams: OpenStreams): void {
  const closes = new EventEmitter();
  let open = 0;
  app.addHook('onRequest', async (_request, reply) => {
    open += 1;
    reply.raw.once('close', () => {
      open -= 1;
      if (open === 0) closes.emit('none');
    });
  });
  app.addHook('preClose', async () => {
    app.server.close();
    streams.close();
    if (open === 0) return;
    const timer = setTimeout(() => closes.emit('none'), graceMs);
    await once(closes, 'none');
    clearTimeout(timer);
  });
}
