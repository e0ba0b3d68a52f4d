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
 * Events of namespaces. An event that nobody has processed is kept for a week; one that has a receipt moves, with its receipts,
 * into an archive, where it is kept for a month. Throws StoreError `stream-failed` when the server refuses or does not respond.
 */
export interface TaskEvents {
  /** A repeated event with the kind and id of an earlier one is not stored again within two minutes; that one is returned. */
  publish(namespace: string, event: PublishEvent & { readonly id: string }, by: string): Promise<TaskEventView>;
  /** The last events with their receipts, the oldest first. */
  recent(namespace: string, query: TaskEventQuery): Promise<readonly TaskEventView[]>;
  /** Those of `recent`, then every new event, and every event again when it gets a receipt; none in between is missed. */
  follow(namespace: string, query: TaskEventQuery, signal: AbortSignal): Promise<AsyncIterable<TaskEventView>>;
  /** Events of a kind, archived ones among them, from a place on that were stored since a time in ms since 1970; the oldest first. */
  since(
    namespace: string,
    kind: string,
    from: { readonly sequence: number; readonly ms: number },
  ): Promise<readonly StoredEvent[]>;
  /** The place of the next event. */
  nextSequence(namespace: string): Promise<number>;
  receipt(namespace: string, event: StoredEvent, step: StepRef): Promise<void>;
  /** Takes each new event until `close`, again if `take` throws; at a second call for the namespace, does nothing. */
  listen(namespace: string, take: (event: StoredEvent) => Promise<void>): Promise<void>;
}
