import type { NatsConnection, ObjectStore } from 'nats';
import { FunctionError, StoreError } from '../../../../lib/errors';
import { taskWire, valueBucket } from '../../../../lib/plan/task-names';
import { isValueClaim, type ValueClaim } from '../../../api-contract/task-message';
import type { ValueStore } from '../../../worker/ports/task-links';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { callServer, ignoreMissing } from '../retry-request';

/** The values of a namespace that are too large for messages, in an object store that is created at its first use. */
export class ObjectValueStore implements ValueStore {
  private opening: Promise<ObjectStore> | undefined;

  constructor(
    private readonly connection: NatsConnection,
    private readonly namespace: string,
  ) {}

  async put(key: string, value: unknown, maxInlineBytes = taskWire.maxInlineBytes): Promise<unknown> {
    if (value === undefined) return undefined;
    const json = Buffer.from(JSON.stringify(value));
    const { length } = json;
    if (length > taskWire.maxValueBytes) {
      throw new FunctionError('payload-too-large', `${key}: ${length} bytes, limit is ${taskWire.maxValueBytes}`);
    }
    if (length <= maxInlineBytes && !Object.hasOwn(Object(value), '$claim')) return value;
    const store = await this.store();
    await this.call(() => store.putBlob({ name: key }, json));
    return { $claim: { key, bytes: length } } satisfies ValueClaim;
  }

  async get(value: unknown): Promise<unknown> {
    return isValueClaim(value) ? this.read(value.$claim.key) : value;
  }

  /** Throws StoreError when the object is not there. */
  async read(key: string): Promise<unknown> {
    const store = await this.store();
    const blob = await this.call(() => store.getBlob(key));
    if (blob === null)
      throw new StoreError('store-failed', `${key}: the value is not in ${valueBucket(this.namespace)}`, {
        isFinal: true,
      });
    return JSON.parse(Buffer.from(blob).toString('utf8'));
  }

  /** Removes the objects whose keys begin so, and what is left of those that were removed before. */
  async remove(prefix: string): Promise<void> {
    const bucket = valueBucket(this.namespace);
    const stream = `OBJ_${bucket}`;
    const subject = `$O.${bucket}.M.`;
    const manager = await managerOf(this.connection);
    const info = await this.call(() => ignoreMissing(manager.streams.info(stream, { subjects_filter: `${subject}>` })));
    const named = Object.keys(info?.state.subjects ?? {}).map(
      (each) => [each, Buffer.from(each.slice(subject.length), 'base64url').toString()] as const,
    );
    const removed = named.filter(([, name]) => name.startsWith(prefix));
    if (removed.length === 0) return;
    const store = await this.store();
    for (const [filter, name] of removed) {
      await this.call(() => ignoreMissing(store.delete(name)));
      await this.call(() => manager.streams.purge(stream, { filter })); // a deletion leaves a marker
    }
  }

  private store(): Promise<ObjectStore> {
    this.opening ??= this.call(() => jetStreamOf(this.connection).views.os(valueBucket(this.namespace)));
    this.opening.catch(() => {
      this.opening = undefined;
    });
    return this.opening;
  }

  private call<T>(request: () => Promise<T>): Promise<T> {
    return callServer(`bucket ${valueBucket(this.namespace)}`, request);
  }
}
