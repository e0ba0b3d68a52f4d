import { randomUUID } from 'node:crypto';
import {
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
  nanos,
  RetentionPolicy,
  StorageType,
} from 'nats';
import { eventStream, eventSubject, receiptSubject, taskWire } from '../../../../lib/plan/task-names';
import type { PublishEvent, TaskEventQuery, TaskEventView } from '../../../api-contract/task-events';
import { type StepRef, stepRefText } from '../../../controller/executions/ports/step-ref';
import type { StoredEvent, TaskEvents } from '../../../controller/executions/ports/task-events';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { ensureStream } from '../provision';
import { callServer, quickRequests, readServer } from '../retry-request';
import { type StreamMessage, StreamReader } from '../stream-reader';
import { consumeDurable, redeliverMs } from './consume-durable';
import { Listening } from './listening';
import { NamespaceParts, type UseConnection } from './namespace-parts';

/** How long events are kept. */
const keptMs = 7 * 86_400_000;

export interface TaskEventsProps {
  readonly use: UseConnection;
  readonly replicas: number;
  readonly onWarning: (text: string) => void;
}

type Receipt = TaskEventView['receipts'][number];

interface Log {
  readonly manager: JetStreamManager;
  readonly client: JetStreamClient;
  readonly reader: StreamReader;
  readonly ensure: () => Promise<void>;
}

/** Events and their receipts in a stream of each namespace. */
export class JetStreamTaskEvents implements TaskEvents {
  private readonly logs: NamespaceParts<Log>;
  private readonly listening = new Listening();

  constructor(private readonly props: TaskEventsProps) {
    this.logs = new NamespaceParts(props.use, (connection, namespace) =>
      openLog(connection, namespace, props.replicas),
    );
  }

  publish(
    namespace: string,
    { kind, data, output, id = randomUUID() }: PublishEvent,
    by: string,
  ): Promise<TaskEventView> {
    const event = { id, kind, at: new Date().toISOString(), by, data, ...(output === undefined ? {} : { output }) };
    return this.logs.in(namespace, async ({ client }) => {
      await callServer(`event ${kind}`, () =>
        client.publish(eventSubject(namespace, kind), JSON.stringify(event), { msgID: id }),
      );
      return { ...event, receipts: [] };
    });
  }

  recent(namespace: string, { kind = '*', since, limit }: TaskEventQuery): Promise<readonly TaskEventView[]> {
    return this.logs.in(namespace, async ({ reader }) => {
      const [messages, receipts] = await Promise.all([
        reader.last(eventSubject(namespace, kind), limit),
        reader.from(receiptSubject(namespace, '*'), 1),
      ]);
      const byEvent = receiptsByEvent(receipts);
      const events = messages.map(storedEvent).filter(({ at }) => since === undefined || at >= since);
      return events.map((event) => viewOf(event, byEvent.get(event.id) ?? []));
    });
  }

  async follow(
    namespace: string,
    { kind = '*' }: TaskEventQuery,
    signal: AbortSignal,
  ): Promise<AsyncIterable<TaskEventView>> {
    return this.logs.in(namespace, async ({ client }) => {
      const consumer = await readServer(eventStream(namespace), () =>
        client.consumers.get(eventStream(namespace), {
          filterSubjects: [eventSubject(namespace, kind), receiptSubject(namespace, '*')],
          deliver_policy: DeliverPolicy.New,
        }),
      );
      const messages = await consumer.consume();
      signal.addEventListener('abort', () => messages.stop(), { once: true });
      if (signal.aborted) messages.stop();
      return this.followed(namespace, messages, kind);
    });
  }

  since(namespace: string, kind: string, sequence: number): Promise<readonly StoredEvent[]> {
    return this.logs.in(namespace, async ({ reader }) =>
      (await reader.from(eventSubject(namespace, kind), sequence)).map(storedEvent),
    );
  }

  nextSequence(namespace: string, sinceMs?: number): Promise<number> {
    return this.logs.in(namespace, async ({ reader }) => {
      const { last } = await reader.extent();
      if (sinceMs === undefined) return last + 1;
      const later = (await reader.from(eventSubject(namespace, '*'), 1)).map(storedEvent);
      return later.find(({ at }) => Date.parse(at) >= sinceMs)?.sequence ?? last + 1;
    });
  }

  receipt(namespace: string, event: StoredEvent, step: StepRef): Promise<void> {
    const { execution, step: id } = step;
    const receipt = { at: new Date().toISOString(), execution, step: id, action: 'processed' } satisfies Receipt;
    return this.logs.in(namespace, async ({ client }) => {
      await callServer(`receipt of ${event.id}`, () =>
        client.publish(receiptSubject(namespace, event.id), JSON.stringify(receipt), {
          msgID: `${event.id}/${stepRefText(step)}`,
        }),
      );
    });
  }

  listen(namespace: string, take: (event: StoredEvent) => Promise<void>): Promise<void> {
    const { onWarning } = this.props;
    return this.listening.start(namespace, (signal, begun) =>
      this.logs.in(namespace, ({ manager, client, ensure }) => {
        const stream = eventStream(namespace);
        const config = {
          durable_name: 'controller',
          filter_subject: eventSubject(namespace, '*'),
          deliver_policy: DeliverPolicy.New,
        };
        return consumeDurable(
          { manager, client, stream, config, ensureStream: ensure, onWarning },
          {
            signal,
            begun,
            take: async (message) => {
              try {
                await take(storedEvent({ subject: message.subject, sequence: message.seq, data: message.data }));
                message.ack();
              } catch (error) {
                onWarning(`cannot pass an event of ${namespace} on: ${(error as Error).message}; retrying`);
                message.nak(redeliverMs);
              }
            },
          },
        );
      }),
    );
  }

  close(): void {
    this.listening.close();
  }

  private async *followed(
    namespace: string,
    messages: AsyncIterable<{ readonly subject: string; readonly seq: number; readonly data: Uint8Array }>,
    kind: string,
  ): AsyncIterable<TaskEventView> {
    for await (const { subject, seq, data } of messages) {
      if (subject.startsWith(eventSubject(namespace, ''))) {
        yield viewOf(storedEvent({ subject, sequence: seq, data }), []);
        continue;
      }
      const id = subject.slice(receiptSubject(namespace, '').length);
      const all = await this.recent(namespace, { limit: 1_000, ...(kind === '*' ? {} : { kind }) });
      const event = all.find((each) => each.id === id);
      if (event !== undefined) yield event;
    }
  }
}

async function openLog(connection: NatsConnection, namespace: string, replicas: number): Promise<Log> {
  const manager = await managerOf(connection, quickRequests);
  const name = eventStream(namespace);
  const ensure = () =>
    ensureStream(manager, {
      name,
      subjects: [eventSubject(namespace, '*'), receiptSubject(namespace, '*')],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      max_age: nanos(keptMs),
      num_replicas: replicas,
      duplicate_window: nanos(taskWire.dedupeWindowMs),
      allow_direct: true,
    });
  await ensure();
  return {
    manager,
    client: jetStreamOf(connection, quickRequests),
    reader: await StreamReader.of(connection, name),
    ensure,
  };
}

/** What somebody has published otherwise has an id, a kind and a time too. */
function storedEvent({ subject, sequence, data }: StreamMessage): StoredEvent {
  const kind = subject.slice(subject.lastIndexOf('.') + 1);
  let event: Partial<StoredEvent> = {};
  try {
    event = JSON.parse(Buffer.from(data).toString()) as Partial<StoredEvent>;
  } catch {
    // an event without content
  }
  const { id = String(sequence), at = new Date(0).toISOString(), data: fields = {}, by, output } = event;
  return {
    id,
    kind,
    at,
    data: fields,
    sequence,
    ...(by === undefined ? {} : { by }),
    ...(output === undefined ? {} : { output }),
  };
}

function receiptsByEvent(messages: readonly StreamMessage[]): ReadonlyMap<string, readonly Receipt[]> {
  const found = new Map<string, Receipt[]>();
  for (const { subject, data } of messages) {
    const id = subject.slice(subject.lastIndexOf('.') + 1);
    found.set(id, [...(found.get(id) ?? []), JSON.parse(Buffer.from(data).toString()) as Receipt]);
  }
  return found;
}

function viewOf({ sequence: _, ...event }: StoredEvent, receipts: readonly Receipt[]): TaskEventView {
  return { ...event, receipts: [...receipts] };
}
