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

/** Shared values in a KV bucket of each namespace: changed by compare and set. */
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
    return this.buckets.in(namespace, (bucket) =>
      callServer(`${bucket.name}: ${key}`, async () => {
        let isRemoved = false;
        const result = await changeValue<Value, Result>(bucket.values, key, (value) => {
          const changed = change(value);
          isRemoved = changed.next === undefined;
          return changed;
        });
        if (isRemoved) await removeMarker(bucket, key);
        return result;
      }),
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

/** A removed value leaves a marker, which would stay for ever. */
async function removeMarker(
  { values, manager, name }: Pick<Bucket, 'values' | 'manager' | 'name'>,
  key: string,
): Promise<void> {
  const last = await values.get(key);
  if (last === null || last.operation === 'PUT') return;
  await manager.streams.purge(`KV_${name}`, { filter: `$KV.${name}.${key}`, seq: last.revision + 1 });
}
