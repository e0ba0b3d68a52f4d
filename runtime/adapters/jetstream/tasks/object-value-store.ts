import type { NatsConnection, ObjectStore } from 'nats';
import { FunctionError, StoreError } from '../../../../lib/errors';
import { taskWire, valueBucket } from '../../../../lib/plan/task-names';
import { isValueClaim, type ValueClaim } from '../../../api-contract/task-message';
import type { ValueStore } from '../../../worker/ports/task-links';
import { jetStreamOf } from '../access/jetstream-api';
import { callServer } from '../retry-request';

/** The values of a namespace that are too large for messages, in an object store that is created at its first use. */
export class ObjectValueStore implements ValueStore {
  private opening: Promise<ObjectStore> | undefined;

  constructor(
    private readonly connection: NatsConnection,
    private readonly namespace: string,
  ) {}

  async put(key: string, value: unknown): Promise<unknown> {
    if (value === undefined) return undefined;
    const json = Buffer.from(JSON.stringify(value));
    const { length } = json;
    if (length > taskWire.maxValueBytes) {
      throw new FunctionError('payload-too-large', `${key}: ${length} bytes, limit is ${taskWire.maxValueBytes}`);
    }
    if (length <= taskWire.maxInlineBytes && !Object.hasOwn(Object(value), '$claim')) return value;
    const store = await this.store();
    await this.call(() => store.putBlob({ name: key }, json));
    return { $claim: { key, bytes: length } } satisfies ValueClaim;
  }

  async get(value: unknown): Promise<unknown> {
    if (!isValueClaim(value)) return value;
    const { key } = value.$claim;
    const store = await this.store();
    const blob = await this.call(() => store.getBlob(key));
    if (blob === null)
      throw new StoreError('store-failed', `${key}: the value is not in ${valueBucket(this.namespace)}`, {
        isFinal: true,
      });
    return JSON.parse(Buffer.from(blob).toString('utf8'));
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
