import type { ExecutionKey } from '../../../api-contract/execution-key';
import type { ExecutionView } from '../../../api-contract/execution-status';
import type { ExecutionSnapshot } from './execution-workflow';

/** An entry of the list of executions. */
export interface ListedExecution {
  readonly view: ExecutionView;
  /** Differs when an execution was deleted and another one has its id. */
  readonly incarnation: string;
}

/**
 * Executions outside their workflows, which they outlive. Throws StoreError `stream-failed` when the server refuses or does
 * not respond.
 */
export interface ExecutionStore {
  /** Lists an execution; returns the one that is already listed under its id instead. */
  add(listed: ListedExecution): Promise<ListedExecution | undefined>;
  /** Lists an execution as it is now. */
  update(view: ExecutionView, incarnation: string): Promise<void>;
  find(key: ExecutionKey): Promise<ListedExecution | undefined>;
  /** Of one namespace or of all, the newest first. */
  list(namespace?: string): Promise<readonly ExecutionView[]>;
  saveSnapshot(snapshot: ExecutionSnapshot): Promise<void>;
  snapshot(key: ExecutionKey): Promise<ExecutionSnapshot | undefined>;
  remove(key: ExecutionKey): Promise<void>;
}
