import type { JetStreamManager, KV, NatsConnection } from 'nats';
import { sharedBucket } from '../../../../lib/plan/task-names';
import type { SharedValues } from '../../../controller/executions/ports/shared-values';
import { changeValue } from '../access/change-value';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { callServer, quickRequests, readServer } from '../retry-request';
import { StreamReader } from '../stream-reader';
import { ensureTaskStreams } from './ensure-task-streams';
import { NamespaceParts, type UseConnection } from './namespace-parts';

interface Bucket {
  readonly values: KV;
  readonly reader: StreamReader;
  readonly manager: JetStreamManager;
  readonly name: string;
}

/** A client writes what it could not send as soon as it is connected again; a removed value stays removed for that long. */
const markedForMs = 600_000;

/** Shared values in a KV bucket of each namespace: changed by compare and set. A removed value leaves a marker, which `sweep` removes. */
export class JetStreamSharedValues implements SharedValues {
  private readonly buckets: NamespaceParts<Bucket>;

  constructor({ use, replicas }: { readonly use: UseConnection; readonly replicas: number }) {
    this.buckets = new NamespaceParts(use, (connection, namespace) => openBucket(connection, namespace, replicas));
  }

  change<Value, Result>(
    namespace: string,
    key: string,
    change: (value: Value | undefined) => { readonly next: Value | undefined; readonly result: Result },
  ): Promise<Result> {
    return this.buckets.in(namespace, ({ values, name }) =>
      callServer(`${name}: ${key}`, () => changeValue(values, key, change)),
    );
  }

  get<Value>(namespace: string, key: string): Promise<Value | undefined> {
    return this.buckets.in(namespace, async ({ values, name }) => {
      const entry = await readServer(`${name}: ${key}`, () => values.get(key));
      return entry?.operation === 'PUT' ? entry.json<Value>() : undefined;
    });
  }

  all<Value>(namespace: string, prefix: string): Promise<readonly (readonly [key: string, value: Value])[]> {
    return this.buckets.in(namespace, async ({ reader, name }) => {
      const start = `$KV.${name}.`;
      const entries = await reader.from(`${start}>`, 1);
      return entries.flatMap(({ subject, data }) => {
        const key = subject.slice(start.length);
        if (!key.startsWith(prefix) || data.length === 0) return []; // a marker of a removed value is empty
        return [[key, JSON.parse(Buffer.from(data).toString()) as Value] as const];
      });
    });
  }

  async sweep(namespace: string, olderThanMs = markedForMs): Promise<void> {
    return this.buckets.in(namespace, async ({ reader, manager, name }) => {
      const before = Date.now() - olderThanMs;
      for (const { subject, data, sequence, timeMs } of await reader.from(`$KV.${name}.>`, 1)) {
        if (data.length > 0 || timeMs > before) continue;
        const marker = { filter: subject, seq: sequence + 1 }; // nothing that was written since
        await callServer(`${name}: ${subject}`, () => manager.streams.purge(`KV_${name}`, marker));
      }
    });
  }
}

async function openBucket(connection: NatsConnection, namespace: string, replicas: number): Promise<Bucket> {
  const name = sharedBucket(namespace);
  const manager = await managerOf(connection, quickRequests);
  await ensureTaskStreams(manager, namespace, replicas);
  const values = await callServer(`bucket ${name}`, () =>
    jetStreamOf(connection, quickRequests).views.kv(name, { bindOnly: true }),
  );
  return { values, reader: await StreamReader.of(connection, `KV_${name}`), manager, name };
}
