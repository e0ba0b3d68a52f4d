import type { TaskNode } from '../graph/task-graph';
import type { FailureHandling, StepError, StepState } from './execution-state';

/** A step instance in memory: its state with all derived values. */
export interface StepRecord {
  readonly node: TaskNode;
  readonly items: readonly number[];
  status: StepState['status'];
  /** After merging. Of entries of regions, what the first nodes within get. */
  input?: unknown;
  /** What the step passes on; only with `emitted: 'value'`. */
  output?: unknown;
  /** Set when the step has passed on a value, or the fact that there is none. */
  emitted?: 'value' | 'nothing';
  /** From before a resume with another input: the output can no longer be derived. */
  isPinned?: true;
  error?: StepError;
  handled?: FailureHandling;
}

/** What is stored of a record: nothing that can be derived from others. */
export function stateOf(record: StepRecord, failing?: StepError): StepState {
  const { status, node, input, output, error, handled } = record;
  const isBranch = node.kind === 'catch' || node.kind === 'finally';
  const kept = isBranch ? { input } : {};
  const pinned = record.isPinned && record.emitted === 'value' ? { output } : {};
  switch (status) {
    case 'running':
      return { status, ...kept, ...(failing === undefined ? {} : { failing }) };
    case 'succeeded':
      return { status, ...kept, ...(hasOwnOutput(node) ? { output } : pinned) };
    case 'failed':
      return { status, error: error as StepError, ...(handled === undefined ? {} : { handled }), ...pinned };
    case 'passed':
      return { status, ...pinned };
    case 'skipped':
    case 'canceled':
      return { status };
  }
}

/** Whether the output comes from whoever runs the step. */
export function hasOwnOutput({ kind }: TaskNode): boolean {
  return kind === 'task' || kind === 'approval' || kind === 'load';
}
