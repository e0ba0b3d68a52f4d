import { type JetStreamManager, NatsError } from 'nats';

/** nats' answers for a message that is not in its stream any more; which one depends on where the server looks first. */
const noMessage: readonly (number | undefined)[] = [10_037, 10_043, 10_057];

/** Removes a message from its stream. False if it is not there any more. */
export async function removeMessage(manager: JetStreamManager, stream: string, sequence: number): Promise<boolean> {
  try {
    return await manager.streams.deleteMessage(stream, sequence, false);
  } catch (error) {
    if (error instanceof NatsError && noMessage.includes(error.api_error?.err_code)) return false;
    throw error;
  }
}
