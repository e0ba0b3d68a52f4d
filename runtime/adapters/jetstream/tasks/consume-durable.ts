import { AckPolicy, type ConsumerConfig, type JetStreamClient, type JetStreamManager, type JsMsg, nanos } from 'nats';
import { pause } from '../../../async/pause';
import { addOrChangeConsumer } from '../provision';
import { callServer } from '../retry-request';

/** Messages that are pulled ahead, and unacked ones over all controllers. */
const maxPulled = 1_000;
const maxAckPending = 20_000;
/** A message whose controller is gone for so long is delivered again. */
const ackWaitMs = 15_000;
export const redeliverMs = 1_000;

export interface DurableConsumer {
  readonly manager: JetStreamManager;
  readonly client: JetStreamClient;
  readonly stream: string;
  readonly config: Pick<ConsumerConfig, 'durable_name'> & Partial<ConsumerConfig>;
  /** Creates the stream if somebody has removed it. */
  readonly ensureStream: () => Promise<void>;
  readonly onWarning: (text: string) => void;
}

/**
 * Takes the messages of a durable consumer, which all controllers share, until the signal is aborted. `take` settles each, and
 * holds it as long as that takes. Calls `begun` when the consumer exists, so that nothing is missed from then on; throws only
 * before that.
 */
export async function consumeDurable(
  { manager, client, stream, config, ensureStream, onWarning }: DurableConsumer,
  {
    signal,
    begun,
    take,
  }: { readonly signal: AbortSignal; readonly begun: () => void; readonly take: (message: JsMsg) => Promise<void> },
): Promise<void> {
  let isBegun = false;
  while (!signal.aborted) {
    try {
      await ensureStream();
      const settings = {
        ack_policy: AckPolicy.Explicit,
        ack_wait: nanos(ackWaitMs),
        max_ack_pending: maxAckPending,
        max_deliver: -1,
      };
      await callServer(`consumer ${config.durable_name}`, () =>
        addOrChangeConsumer(manager, stream, { ...settings, ...config }),
      );
      isBegun = true;
      begun();
      const consumer = await client.consumers.get(stream, config.durable_name);
      const messages = await consumer.consume({ max_messages: maxPulled });
      const stop = () => messages.stop();
      signal.addEventListener('abort', stop, { once: true });
      for await (const message of messages) void takeHeld(message, take, signal);
      signal.removeEventListener('abort', stop);
    } catch (error) {
      if (!isBegun) throw error;
      if (!signal.aborted) onWarning(`cannot read ${stream}: ${(error as Error).message}; retrying`);
    }
    await pause(redeliverMs, signal);
  }
}

/** After an abort, or on a closed connection, the message passes to another controller. */
async function takeHeld(message: JsMsg, take: (message: JsMsg) => Promise<void>, signal: AbortSignal): Promise<void> {
  const renewal = setInterval(() => {
    if (!signal.aborted && renew(message)) return;
    clearInterval(renewal);
  }, ackWaitMs / 3);
  renewal.unref();
  try {
    await take(message);
  } finally {
    clearInterval(renewal);
  }
}

/** False when the connection is closed. */
function renew(message: JsMsg): boolean {
  try {
    message.working();
    return true;
  } catch {
    return false;
  }
}
