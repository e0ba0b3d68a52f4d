import type { Heartbeat, HeartbeatAnswer, WorkerEntry } from '../../api-contract/task-message';
import type { DeliverySource } from '../../engine/ports/delivery';
import type { Publisher } from '../../engine/ports/publisher';

/** Values that are too large for a message; small ones are kept as they are. */
export interface ValueStore {
  /** The value itself, or the claim of the object `key` that holds it. Throws FunctionError `payload-too-large` above the limit. */
  put(key: string, value: unknown): Promise<unknown>;
  /** The value of a claim; anything else as it is. Throws StoreError, which is final when the object is not there. */
  get(value: unknown): Promise<unknown>;
}

/** The workers of a task namespace. */
export interface WorkerDirectory {
  /** Writes the entry of this worker, which is forgotten unless it is written again in time. */
  announce(entry: WorkerEntry): Promise<void>;
  withdraw(): Promise<void>;
  /** The last entries of the other workers that are alive, or were within the last minute. */
  recent(): Promise<readonly WorkerEntry[]>;
}

/** Everything outside its process that a task worker works through. */
export interface TaskLinks {
  /** The tasks of its task namespace. */
  readonly deliveries: DeliverySource;
  readonly publisher: Publisher;
  readonly values: ValueStore;
  readonly directory: WorkerDirectory;
  /** Asks a controller; undefined when none answers. */
  heartbeat(heartbeat: Heartbeat): Promise<HeartbeatAnswer | undefined>;
  /** `listener` is called with the id of each task that is canceled. */
  onCancel(listener: (id: string) => void): void;
}
