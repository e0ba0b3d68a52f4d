import type { TaskGraph } from '../../../../lib/tasks/graph/task-graph';

/** Options of `kflow run` for task flows. */
export interface TaskRunOptions {
  readonly input: unknown;
  readonly worker: readonly string[];
  readonly simulate: boolean;
  readonly delay: number | undefined;
  readonly failures: number | undefined;
  readonly seed: number | undefined;
  /** In milliseconds. */
  readonly timeout: number | undefined;
}

/** A task flow to run, and with what. */
export interface TaskRun extends TaskRunOptions {
  readonly file: string;
  readonly text: string;
  readonly graph: TaskGraph;
}
