import type { Message } from './messages/message';
import { Result } from './messages/result';
import { writeLog } from './observe/task-log';
import { openTransport } from './transport/open-transport';
import { seal } from './transport/sealed-transport';
import type { Transport } from './transport/transport';

export interface ProducerProps {
  /** Replaces variables of the environment: KFLOW_NATS_URL, KFLOW_NATS_CREDENTIALS, KFLOW_NAMESPACE, KFLOW_SECRETBOX_KEY, … */
  readonly config?: { readonly [name: string]: string };
  /** Default: the nats of the variables, to which the producer connects at its first message. */
  readonly transport?: Transport;
}

/** Sends messages to topics. */
export class Producer {
  private opened: Promise<Transport> | undefined;
  private readonly env: NodeJS.ProcessEnv;

  constructor({ config = {}, transport }: ProducerProps = {}) {
    this.env = { ...process.env, ...config };
    if (transport !== undefined) this.opened = Promise.resolve(seal(transport, this.env));
  }

  /** Rejects with TransportError if nats cannot be reached; the next call tries again. */
  transport(): Promise<Transport> {
    this.opened ??= openTransport(this.env).then(
      (transport) => seal(transport, this.env),
      (error) => {
        this.opened = undefined;
        throw error;
      },
    );
    return this.opened;
  }

  /** Sends a message. Never throws: what could not be sent is a failed result. */
  async send(topic: string, message: Message): Promise<Result> {
    try {
      await this.publish(topic, message);
      return sent(message, topic);
    } catch (error) {
      const result = Result.fromException(error, message.uuid);
      writeLog('ERROR', `Producer.Failed: ${message}: ${result}`, { message, result });
      return result;
    }
  }

  /** Sends messages, in their order. Ends at the first that fails; `retval.sent` is the number of those before. */
  async bulkSend(topic: string, messages: Iterable<Message>): Promise<Result> {
    let count = 0;
    for (const message of messages) {
      const result = await this.send(topic, message);
      if (result.retcode !== 0) return result.plus(new Result({ retval: { sent: count } }));
      count += 1;
    }
    return new Result({ stdout: `${count} message(s) sent`, retval: { sent: count } });
  }

  /** Sends a message that is dropped if one with this id was sent before. Throws TransportError. */
  async publish(topic: string, message: Message, id?: string): Promise<void> {
    await (await this.transport()).publish(topic, payloadOf(message), id);
  }

  /** Sends a message with its result on the subject of results of a topic. Throws TransportError. */
  async publishResult(topic: string, message: Message, id?: string): Promise<void> {
    await (await this.transport()).publishResult(topic, payloadOf(message), id);
  }

  async close(): Promise<void> {
    const { opened } = this;
    this.opened = undefined;
    await (await opened?.catch(() => undefined))?.close();
  }
}

/** The result, and the log line, of a message that was sent. */
export function sent(message: Message, topic: string): Result {
  const result = new Result({ uuid: message.uuid, stdout: `Message ${message} sent in ${topic}` });
  writeLog('INFO', `Producer.Success: ${message}: ${result}`, { message, result });
  return result;
}

function payloadOf(message: Message): Uint8Array {
  return Buffer.from(JSON.stringify(message));
}
