import type { PublishEvent, TaskEventQuery, TaskEventView } from '../../../api-contract/task-events';
import type { StepRef } from './step-ref';

/** An event of a namespace, as it is stored. */
export interface StoredEvent {
  readonly id: string;
  readonly kind: string;
  /** ISO time. */
  readonly at: string;
  readonly by?: string;
  readonly data: { readonly [field: string]: unknown };
  readonly output?: unknown;
  /** Its place among all events of the namespace. */
  readonly sequence: number;
}

/**
 * Events of namespaces. They are kept for a week. Throws StoreError `stream-failed` when the server refuses or does not
 * respond.
 */
export interface TaskEvents {
  /** A repeated event with the id of an earlier one is not stored again within two minutes. */
  publish(namespace: string, event: PublishEvent, by: string): Promise<TaskEventView>;
  /** The last events with their receipts, the oldest first. */
  recent(namespace: string, query: TaskEventQuery): Promise<readonly TaskEventView[]>;
  follow(namespace: string, query: TaskEventQuery, signal: AbortSignal): Promise<AsyncIterable<TaskEventView>>;
  /** Events of a kind from a place on, the oldest first. */
  since(namespace: string, kind: string, sequence: number): Promise<readonly StoredEvent[]>;
  /** The place of the next event; with a time in ms since 1970, of the first event since then. */
  nextSequence(namespace: string, sinceMs?: number): Promise<number>;
  receipt(namespace: string, event: StoredEvent, step: StepRef): Promise<void>;
  /** Takes each new event until `close`, again if `take` throws; at a second call for the namespace, does nothing. */
  listen(namespace: string, take: (event: StoredEvent) => Promise<void>): Promise<void>;
}
