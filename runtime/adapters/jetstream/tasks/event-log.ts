import {
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
  nanos,
  RetentionPolicy,
  StorageType,
} from 'nats';
import { isPlainMap } from '../../../../lib/plain-map';
import {
  archiveSubject,
  eventArchiveStream,
  eventStream,
  eventSubject,
  receiptSubjects,
  taskWire,
} from '../../../../lib/plan/task-names';
import type { TaskEventView } from '../../../api-contract/task-events';
import type { StoredEvent } from '../../../controller/executions/ports/task-events';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { ensureStream } from '../provision';
import { quickRequests } from '../retry-request';
import { type StreamMessage, StreamReader } from '../stream-reader';

const dayMs = 86_400_000;
/** How long events are kept that nobody has processed, and archived ones. */
const keptMs = 7 * dayMs;
const archivedMs = 30 * dayMs;

export type Receipt = TaskEventView['receipts'][number];

/** A receipt as it is stored. Others than controllers may leave out the event, which the subject names. */
export interface StoredReceipt extends Receipt {
  readonly event?: StoredEvent;
}

/** The streams of events of one namespace. */
export interface EventLog {
  readonly manager: JetStreamManager;
  readonly client: JetStreamClient;
  readonly live: StreamReader;
  readonly archive: StreamReader;
  /** Creates streams that somebody has removed. */
  readonly ensure: () => Promise<void>;
}

export async function openEventLog(connection: NatsConnection, namespace: string, replicas: number): Promise<EventLog> {
  const manager = await managerOf(connection, quickRequests);
  const settings = {
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    num_replicas: replicas,
    duplicate_window: nanos(taskWire.dedupeWindowMs),
    allow_direct: true,
  };
  const live = {
    ...settings,
    name: eventStream(namespace),
    subjects: [eventSubject(namespace, '*'), receiptSubjects(namespace)],
    max_age: nanos(keptMs),
  };
  const archive = {
    ...settings,
    name: eventArchiveStream(namespace),
    subjects: [archiveSubject(namespace, '*')],
    max_age: nanos(archivedMs),
  };
  const ensure = async () => {
    await ensureStream(manager, live);
    await ensureStream(manager, archive);
  };
  await ensure();
  return {
    manager,
    client: jetStreamOf(connection, quickRequests),
    live: await StreamReader.of(connection, live.name),
    archive: await StreamReader.of(connection, archive.name),
    ensure,
  };
}

/** What somebody has published otherwise has an id, a kind and a time too. */
export function storedEvent({ subject, sequence, data, timeMs }: StreamMessage): StoredEvent {
  const kind = subject.slice(subject.lastIndexOf('.') + 1);
  const { id, at, data: fields, by, output } = jsonOf<{ readonly [field in keyof StoredEvent]?: unknown }>(data);
  return {
    id: typeof id === 'string' ? id : String(sequence),
    kind,
    at: typeof at === 'string' && !Number.isNaN(Date.parse(at)) ? at : new Date(timeMs).toISOString(),
    data: isPlainMap(fields) ? fields : {},
    sequence,
    ...(typeof by === 'string' ? { by } : {}),
    ...(output === undefined ? {} : { output }),
  };
}

export function storedReceipt({ data }: Pick<StreamMessage, 'data'>): StoredReceipt {
  return { at: new Date(0).toISOString(), action: 'processed', ...jsonOf<Partial<StoredReceipt>>(data) };
}

/** Empty for what is no JSON object. */
function jsonOf<T extends object>(data: Uint8Array): T | Record<string, never> {
  try {
    const value: unknown = JSON.parse(Buffer.from(data).toString());
    return typeof value === 'object' && value !== null ? (value as T) : {};
  } catch {
    return {};
  }
}
