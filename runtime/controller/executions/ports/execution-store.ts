import type { ExecutionKey } from '../../../api-contract/execution-key';
import type { ExecutionView } from '../../../api-contract/execution-status';
import type { ExecutionSnapshot } from './execution-workflow';

/** An entry of the list of executions. */
export interface ListedExecution {
  readonly view: ExecutionView;
  /** Differs when an execution was deleted and another one has its id. */
  readonly incarnation: string;
  /** When it was resumed, before its workflow has started, in ms since 1970. */
  readonly resumedMs?: number;
  /** When its removal began, in ms since 1970. */
  readonly deletingMs?: number;
}

/**
 * Executions outside their workflows, which they outlive. Throws StoreError `stream-failed` when the server refuses or does
 * not respond.
 */
export interface ExecutionStore {
  /** Lists an execution; returns the one that is already listed under its id instead, also one that is being removed. */
  add(listed: ListedExecution): Promise<ListedExecution | undefined>;
  /** Lists an execution as it is now. Only its workflow does so. */
  update(view: ExecutionView, incarnation: string): Promise<void>;
  /**
   * Lists an execution as it is now, or removes it from the list, if it is still in the run and the status that the caller has
   * seen. False when it is not.
   */
  exchange(seen: ListedExecution, next: ListedExecution | undefined): Promise<boolean>;
  /** Undefined for one that is being removed, as in lists. */
  find(key: ExecutionKey): Promise<ListedExecution | undefined>;
  /** Of one namespace or of all, the newest first. */
  list(namespace?: string): Promise<readonly ExecutionView[]>;
  saveSnapshot(snapshot: ExecutionSnapshot): Promise<void>;
  snapshot(key: ExecutionKey): Promise<ExecutionSnapshot | undefined>;
  removeSnapshot(key: ExecutionKey): Promise<void>;
}
