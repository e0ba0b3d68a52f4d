import type { JsMsg } from 'nats';
import { archiveSubject, eventStream, eventSubject, receiptSubject } from '../../../../lib/plan/task-names';
import type { StoredEvent } from '../../../controller/executions/ports/task-events';
import { callServer } from '../retry-request';
import type { StreamMessage } from '../stream-reader';
import { redeliverMs } from './consume-durable';
import { type EventLog, storedEvent, storedReceipt } from './event-log';
import { removeMessage } from './remove-message';

/** The durable consumer by which waits are shown events. */
export const eventConsumer = 'controller';
/** The durable consumer of receipts. */
export const archiveConsumer = 'archive';

/**
 * Moves the events of a namespace that have receipts from the live stream into the archive, each with its receipts.
 *
 * A1. The archive has an event before the live stream loses it: an archive that fails delays, and loses nothing.
 * A2. An event stays until all waits were shown it.
 */
export class EventArchiver {
  /** Every event up to here was shown to all waits. */
  private shownUpTo = 0;

  constructor(
    private readonly log: EventLog,
    private readonly namespace: string,
    private readonly onWarning: (text: string) => void,
  ) {}

  /** Takes the message of a receipt, and settles it. */
  async take(message: JsMsg): Promise<void> {
    const { namespace, onWarning } = this;
    try {
      const receipt = storedReceipt(message);
      const event = receipt.event ?? (await this.eventOf(message.subject));
      if (event !== undefined) {
        if (!(await this.isShown(event))) return message.nak(redeliverMs); // A2
        const text = JSON.stringify({ ...receipt, event });
        const options = { msgID: `${message.subject}/${message.seq}` };
        const publish = () => this.log.client.publish(archiveSubject(namespace, event.kind), text, options);
        await callServer(`archive of event ${event.id}`, publish, 0);
        await this.remove(event.sequence);
      }
      await this.remove(message.seq);
      message.ack();
    } catch (error) {
      onWarning(`cannot archive an event of ${namespace}: ${(error as Error).message}; retrying`);
      message.nak(redeliverMs);
    }
  }

  /** The last live event that a receipt is for. */
  private async eventOf(subject: string): Promise<StoredEvent | undefined> {
    const all: readonly StreamMessage[] = await this.log.live.from(eventSubject(this.namespace, '*'), 1);
    return all.map(storedEvent).findLast(({ id }) => receiptSubject(this.namespace, id) === subject);
  }

  private async isShown({ sequence }: StoredEvent): Promise<boolean> {
    if (sequence > this.shownUpTo) {
      const { ack_floor: floor } = await this.log.manager.consumers.info(eventStream(this.namespace), eventConsumer);
      this.shownUpTo = floor.stream_seq;
    }
    return sequence <= this.shownUpTo;
  }

  private async remove(sequence: number): Promise<void> {
    await removeMessage(this.log.manager, eventStream(this.namespace), sequence);
  }
}
