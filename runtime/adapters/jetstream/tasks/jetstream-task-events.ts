import { Readable } from 'node:stream';
import { DeliverPolicy, type JsMsg } from 'nats';
import {
  archiveSubject,
  eventArchiveStream,
  eventStream,
  eventSubject,
  receiptSubject,
  receiptSubjects,
} from '../../../../lib/plan/task-names';
import type { PublishEvent, TaskEventQuery, TaskEventView } from '../../../api-contract/task-events';
import { type StepRef, stepRefText } from '../../../controller/executions/ports/step-ref';
import type { StoredEvent, TaskEvents } from '../../../controller/executions/ports/task-events';
import { callServer, readServer } from '../retry-request';
import { type StreamMessage, streamMessage } from '../stream-reader';
import { consumeDurable, redeliverMs } from './consume-durable';
import { archiveConsumer, EventArchiver, eventConsumer } from './event-archiver';
import { EventList, type ListedEvent } from './event-list';
import { type EventLog, openEventLog, type Receipt, type StoredReceipt, storedEvent, storedReceipt } from './event-log';
import { Listening } from './listening';
import { NamespaceParts, type UseConnection } from './namespace-parts';

/** Events among which the one of a receipt is looked for. */
const maxSearched = 1_000;

export interface TaskEventsProps {
  readonly use: UseConnection;
  readonly replicas: number;
  readonly onWarning: (text: string) => void;
}

/** Events and their receipts in streams of each namespace: one of those that nobody has processed, one of the others. */
export class JetStreamTaskEvents implements TaskEvents {
  private readonly logs: NamespaceParts<EventLog>;
  private readonly listening = new Listening();
  private readonly archiving = new Listening();

  constructor(private readonly props: TaskEventsProps) {
    this.logs = new NamespaceParts(props.use, (connection, namespace) =>
      openEventLog(connection, namespace, props.replicas),
    );
  }

  publish(
    namespace: string,
    { kind, data, output, id }: PublishEvent & { readonly id: string },
    by: string,
  ): Promise<TaskEventView> {
    const event = { id, kind, at: new Date().toISOString(), by, data, ...(output === undefined ? {} : { output }) };
    return this.logs.in(namespace, async (log) => {
      const { seq, duplicate } = await callServer(`event ${kind}`, () =>
        log.client.publish(eventSubject(namespace, kind), JSON.stringify(event), { msgID: `${kind}/${id}` }),
      );
      const known = duplicate ? await this.find(namespace, { kind, sequence: seq }) : undefined;
      return known === undefined ? { ...event, receipts: [] } : viewOf(known);
    });
  }

  async recent(namespace: string, query: TaskEventQuery): Promise<readonly TaskEventView[]> {
    return (await this.listed(namespace, query)).map(viewOf);
  }

  async follow(namespace: string, query: TaskEventQuery, signal: AbortSignal): Promise<AsyncIterable<TaskEventView>> {
    const { kind = '*' } = query;
    const found = new Readable({ objectMode: true, read: () => undefined });
    await this.logs.in(namespace, async (log) => {
      await subscribe(log, { stream: eventStream(namespace), subject: eventSubject(namespace, kind), found, signal });
      await subscribe(log, {
        stream: eventArchiveStream(namespace),
        subject: archiveSubject(namespace, kind),
        found,
        signal,
      });
    });
    signal.addEventListener('abort', () => found.push(null), { once: true });
    if (signal.aborted) found.push(null);
    return this.followed(namespace, query, found);
  }

  since(
    namespace: string,
    kind: string,
    { sequence, ms }: { readonly sequence: number; readonly ms: number },
  ): Promise<readonly StoredEvent[]> {
    return this.logs.in(namespace, async ({ live, archive }) => {
      // in the order of their way, so that an event that moves is in one of them
      const waiting = (await live.since(eventSubject(namespace, kind), ms)).map(storedEvent);
      const archived = (await archive.since(archiveSubject(namespace, kind), ms)).map(eventOf);
      const bySequence = new Map([...archived, ...waiting].map((event) => [event.sequence, event]));
      return [...bySequence.values()]
        .filter((event) => event.sequence >= sequence)
        .sort((one, other) => one.sequence - other.sequence);
    });
  }

  nextSequence(namespace: string): Promise<number> {
    return this.logs.in(namespace, async ({ live }) => (await live.extent()).last + 1);
  }

  receipt(namespace: string, event: StoredEvent, step: StepRef): Promise<void> {
    const { execution, step: id } = step;
    const receipt = { at: new Date().toISOString(), execution, step: id, action: 'processed', event };
    return this.logs.in(namespace, async ({ client }) => {
      await callServer(`receipt of ${event.id}`, () =>
        client.publish(receiptSubject(namespace, event.id), JSON.stringify(receipt satisfies StoredReceipt), {
          msgID: `${event.sequence}/${stepRefText(step)}`,
        }),
      );
    });
  }

  async listen(namespace: string, take: (event: StoredEvent) => Promise<void>): Promise<void> {
    const { onWarning } = this.props;
    await this.consume(namespace, this.listening, {
      durable: eventConsumer,
      subject: eventSubject(namespace, '*'),
      deliver: DeliverPolicy.New,
      takeWith: () => async (message) => {
        try {
          await take(storedEvent(streamMessage(message)));
          message.ack();
        } catch (error) {
          onWarning(`cannot pass an event of ${namespace} on: ${(error as Error).message}; retrying`);
          message.nak(redeliverMs);
        }
      },
    });
    await this.consume(namespace, this.archiving, {
      durable: archiveConsumer,
      subject: receiptSubjects(namespace),
      deliver: DeliverPolicy.All,
      takeWith: (log) => {
        const archiver = new EventArchiver(log, namespace, onWarning);
        return (message) => archiver.take(message);
      },
    });
  }

  close(): void {
    this.listening.close();
    this.archiving.close();
  }

  private consume(
    namespace: string,
    listening: Listening,
    {
      durable,
      subject,
      deliver,
      takeWith,
    }: {
      readonly durable: string;
      readonly subject: string;
      readonly deliver: DeliverPolicy;
      readonly takeWith: (log: EventLog) => (message: JsMsg) => Promise<void>;
    },
  ): Promise<void> {
    const { onWarning } = this.props;
    const config = { durable_name: durable, filter_subject: subject, deliver_policy: deliver };
    return listening.start(namespace, (signal, begun) =>
      this.logs.in(namespace, (log) => {
        const { manager, client, ensure: ensureStream } = log;
        const consumer = { manager, client, stream: eventStream(namespace), config, ensureStream, onWarning };
        return consumeDurable(consumer, { signal, begun, take: takeWith(log) });
      }),
    );
  }

  /** The last events, the oldest first. */
  private listed(namespace: string, { kind = '*', since, limit }: TaskEventQuery): Promise<readonly ListedEvent[]> {
    return this.logs.in(namespace, async ({ live, archive }) => {
      const list = new EventList();
      // in the order of their way, so that what moves is in one of them
      for (const message of await live.last(eventSubject(namespace, kind), limit)) list.add(storedEvent(message));
      const receipts = await live.from(receiptSubjects(namespace), 1);
      await list.addArchived((count) => archive.last(archiveSubject(namespace, kind), count), limit);
      for (const { subject, data } of receipts) {
        list.addReceipt(storedReceipt({ data }), (id) => receiptSubject(namespace, id) === subject);
      }
      return list.last(limit).filter(({ event }) => since === undefined || event.at >= since);
    });
  }

  private async find(
    namespace: string,
    { kind, sequence }: Pick<StoredEvent, 'kind' | 'sequence'>,
  ): Promise<ListedEvent | undefined> {
    const all = await this.listed(namespace, { kind, limit: maxSearched });
    return all.find(({ event }) => event.sequence === sequence);
  }

  private async *followed(
    namespace: string,
    query: TaskEventQuery,
    found: AsyncIterable<StreamMessage>,
  ): AsyncIterable<TaskEventView> {
    const shown = new Map<number, number>();
    const isNew = ({ event, receipts }: ListedEvent) => {
      const isShown = (shown.get(event.sequence) ?? -1) >= receipts.length;
      if (!isShown) shown.set(event.sequence, receipts.length);
      return !isShown;
    };
    for (const each of await this.listed(namespace, query)) if (isNew(each)) yield viewOf(each);
    for await (const message of found) {
      const isArchived = message.subject.startsWith(archiveSubject(namespace, ''));
      const event = isArchived ? eventOf(message) : storedEvent(message);
      const known = isArchived ? await this.find(namespace, event) : undefined;
      const each = known ?? { event, receipts: isArchived ? [receiptOf(message)] : [] };
      if (isNew(each)) yield viewOf(each);
    }
  }
}

async function subscribe(
  { client }: EventLog,
  {
    stream,
    subject,
    found,
    signal,
  }: { readonly stream: string; readonly subject: string; readonly found: Readable; readonly signal: AbortSignal },
): Promise<void> {
  const consumer = await readServer(stream, () =>
    client.consumers.get(stream, { filterSubjects: subject, deliver_policy: DeliverPolicy.New }),
  );
  const messages = await consumer.consume({
    callback: (message) => void found.push(streamMessage(message)),
  });
  signal.addEventListener('abort', () => messages.stop(), { once: true });
  if (signal.aborted) messages.stop();
}

function viewOf({ event: { sequence: _, ...event }, receipts }: ListedEvent): TaskEventView {
  return { ...event, receipts: [...receipts] };
}

/** The event of an archived message. */
function eventOf(message: StreamMessage): StoredEvent {
  return storedReceipt(message).event ?? storedEvent(message);
}

function receiptOf(message: StreamMessage): Receipt {
  const { event: _, ...receipt } = storedReceipt(message);
  return receipt;
}
