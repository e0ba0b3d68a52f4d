import { ErrorCode, type NatsConnection, NatsError } from 'nats';
import type { StreamMessage } from '../../runtime/adapters/jetstream/stream-reader';

interface StreamConfig {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly max_msgs_per_subject?: number;
}

interface Stream {
  readonly config: StreamConfig;
  readonly created: string;
  readonly ids: Set<string>;
  messages: readonly StreamMessage[];
  lastSequence: number;
}

interface ObjectInfo {
  readonly nuid: string;
  readonly chunks: number;
  readonly size: number;
  readonly deleted: boolean;
}

interface Subscription {
  readonly subject: string;
  readonly callback: () => void;
}

/** Size of the messages that an object is stored in. */
const chunkBytes = 128 * 1024;

/** A JetStream server in memory, as far as a flow store needs one: streams with message ids, readers, KV and object buckets. */
export class MemoryJetStream {
  /** The number of messages that consumers have read. */
  read = 0;
  private readonly streams = new Map<string, Stream>();
  private readonly consumers = new Map<string, readonly StreamMessage[]>();
  private readonly subscriptions = new Set<Subscription>();
  private created = 0;

  readonly connection = {
    jetstreamManager: async () => this.manager,
    jetstream: () => this.client,
    subscribe: (subject: string, { callback }: { readonly callback: () => void }) => {
      const subscription = { subject, callback };
      this.subscriptions.add(subscription);
      return { unsubscribe: () => this.subscriptions.delete(subscription) };
    },
  } as unknown as NatsConnection;

  private readonly manager = {
    streams: {
      add: async (config: StreamConfig) => {
        if (!this.streams.has(config.name)) this.create(config);
      },
      info: async (name: string, options?: { readonly subjects_filter: string }) => {
        const { messages, lastSequence, created } = this.stream(name);
        const found = options === undefined ? [] : this.messages(name, options.subjects_filter);
        const subjects = Object.fromEntries(found.map(({ subject }) => [subject, 1]));
        // 0 in a stream that has never had a message, as on a server
        const first = messages[0]?.sequence ?? (lastSequence === 0 ? 0 : lastSequence + 1);
        return { created, state: { first_seq: first, last_seq: lastSequence, subjects } };
      },
      deleteMessage: async (name: string, sequence: number) => {
        const stream = this.stream(name);
        stream.messages = stream.messages.filter((message) => message.sequence !== sequence);
      },
      purge: async (name: string, { filter }: { readonly filter: string }) => this.purge(name, filter),
      getMessage: async (name: string, query: { readonly seq: number; readonly next_by_subj: string }) => {
        const [found] = this.messages(name, query.next_by_subj, query.seq);
        if (found === undefined) throw new NatsError('no message found', ErrorCode.JetStream404NoMessages);
        return { ...found, seq: found.sequence, time: new Date(found.timeMs) };
      },
    },
    consumers: {
      add: async (stream: string, config: { readonly opt_start_seq: number; readonly filter_subject: string }) => {
        const name = `consumer-${++this.created}`;
        const found = this.messages(stream, config.filter_subject, config.opt_start_seq);
        this.consumers.set(name, found);
        return { name, num_pending: found.length };
      },
      delete: async (_stream: string, name: string) => this.consumers.delete(name),
    },
  };

  private readonly client = {
    publish: async (subject: string, text: string, { msgID }: { readonly msgID?: string } = {}) =>
      this.publish(subject, text, msgID),
    consumers: {
      get: async (_stream: string, name: string) => ({ fetch: () => this.fetch(this.consumers.get(name) ?? []) }),
    },
    views: {
      kv: async (bucket: string) => this.keyValues(bucket),
      os: async (bucket: string) => this.objects(bucket),
    },
  };

  /** Replaces a stream by an empty one with the same configuration. */
  recreate(name: string): void {
    this.create(this.stream(name).config);
  }

  private keyValues(bucket: string) {
    const subjectOf = (key: string) => `$KV.${bucket}.${key}`;
    return {
      get: async (key: string) => {
        const found = this.messages(`KV_${bucket}`, subjectOf(key)).at(-1);
        if (found === undefined) return null;
        return { operation: found.data.length > 0 ? 'PUT' : 'DEL', json: () => JSON.parse(String(found.data)) };
      },
      put: async (key: string, text: string) => this.publish(subjectOf(key), text),
      delete: async (key: string) => this.publish(subjectOf(key), ''),
      status: async () => this.stream(`KV_${bucket}`),
    };
  }

  private objects(bucket: string) {
    const stream = `OBJ_${bucket}`;
    const subjectOf = (name: string) =>
      `$O.${bucket}.M.${Buffer.from(name).toString('base64').replaceAll('+', '-').replaceAll('/', '_')}`;
    const info = async (name: string): Promise<ObjectInfo | null> => {
      const found = this.messages(stream, subjectOf(name)).at(-1);
      return found === undefined ? null : JSON.parse(String(found.data));
    };
    const describe = (name: string, object: ObjectInfo) => {
      this.purge(stream, subjectOf(name));
      this.publish(subjectOf(name), JSON.stringify(object));
    };
    return {
      info,
      putBlob: async ({ name }: { readonly name: string }, data: Buffer) => {
        const nuid = String(++this.created);
        const chunks = Math.ceil(data.length / chunkBytes);
        for (let index = 0; index < chunks; index++) {
          this.publish(`$O.${bucket}.C.${nuid}`, data.subarray(index * chunkBytes, (index + 1) * chunkBytes));
        }
        describe(name, { nuid, chunks, size: data.length, deleted: false });
      },
      delete: async (name: string) => {
        const object = await info(name);
        if (object === null) throw new NatsError('object not found', ErrorCode.JetStream404NoMessages);
        this.purge(stream, `$O.${bucket}.C.${object.nuid}`);
        describe(name, { ...object, chunks: 0, deleted: true });
      },
    };
  }

  private purge(name: string, pattern: string): void {
    const stream = this.stream(name);
    stream.messages = stream.messages.filter(({ subject }) => !matchesSubject(pattern, subject));
  }

  private create(config: StreamConfig): void {
    const created = `creation ${++this.created}`;
    this.streams.set(config.name, { config, created, ids: new Set(), messages: [], lastSequence: 0 });
  }

  private publish(subject: string, data: string | Uint8Array, id?: string): void {
    const stream = [...this.streams.values()].find(({ config }) =>
      config.subjects.some((pattern) => matchesSubject(pattern, subject)),
    );
    if (stream === undefined) throw NatsError.errorForCode(ErrorCode.NoResponders);
    if (id === undefined || !stream.ids.has(id)) this.store(stream, subject, Buffer.from(data));
    if (id !== undefined) stream.ids.add(id);
    for (const each of this.subscriptions) if (matchesSubject(each.subject, subject)) each.callback();
  }

  private store(stream: Stream, subject: string, data: Uint8Array): void {
    const isLatestOnly = stream.config.max_msgs_per_subject === 1;
    const kept = isLatestOnly ? stream.messages.filter((message) => message.subject !== subject) : stream.messages;
    stream.messages = [...kept, { subject, sequence: ++stream.lastSequence, data, timeMs: Date.now() }];
  }

  private async *fetch(messages: readonly StreamMessage[]) {
    for (const message of messages) {
      this.read++;
      yield { ...message, seq: message.sequence, info: { timestampNanos: message.timeMs * 1e6 } };
    }
  }

  private messages(name: string, pattern: string, sequence = 1): readonly StreamMessage[] {
    return this.stream(name).messages.filter(
      (message) => message.sequence >= sequence && matchesSubject(pattern, message.subject),
    );
  }

  private stream(name: string): Stream {
    const found = this.streams.get(name);
    if (found === undefined) throw new NatsError('stream not found', ErrorCode.JetStream404NoMessages);
    return found;
  }
}

/** Whether a subject matches a pattern with `*` for one token and `>` for the rest. */
export function matchesSubject(pattern: string, subject: string): boolean {
  const [tokens, parts] = [pattern.split('.'), subject.split('.')];
  if (tokens.at(-1) !== '>' && parts.length !== tokens.length) return false;
  return tokens.every((token, index) => token === '>' || token === '*' || token === parts[index]);
}
