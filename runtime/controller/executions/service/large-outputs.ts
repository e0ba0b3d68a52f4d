import { randomUUID } from 'node:crypto';
import { type ExecutionKey, executionName } from '../../../api-contract/execution-key';
import type { StepReport } from '../ports/execution-workflow';
import type { TaskValues } from '../ports/task-values';

/** Length of the JSON of the outputs that the state of an execution has itself. */
export const maxStateLength = 1_000_000;
/** A claim takes as much. */
const minLength = 500;
/** Executions whose lengths are known: that of another one begins anew. */
const maxKnown = 10_000;

/**
 * The outputs of executions: when those of one are large together, each further one is an object, as a large one is. Outputs that
 * are reported together are one object.
 */
export class LargeOutputs {
  /** By execution, of what this controller has passed on. */
  private readonly lengths = new Map<string, number>();

  constructor(private readonly values: Pick<TaskValues, 'put'>) {}

  /** Counts the outputs of reports; true when there was enough before. */
  add(key: ExecutionKey, reports: readonly StepReport[]): boolean {
    const name = executionName(key);
    const known = this.lengths.get(name) ?? 0;
    this.lengths.delete(name); // the latest comes last
    this.lengths.set(
      name,
      reports.reduce((sum, report) => sum + lengthOf(report), known),
    );
    if (this.lengths.size > maxKnown) this.lengths.delete(this.lengths.keys().next().value ?? '');
    return known > maxStateLength;
  }

  /** The reports with claims in place of outputs. Throws StoreError when the object cannot be stored. */
  async claimed(key: ExecutionKey, reports: readonly StepReport[]): Promise<readonly StepReport[]> {
    const moved = reports.filter((report) => lengthOf(report) >= minLength);
    if (moved.length === 0) return reports;
    const name = `${key.execution}/outputs/${randomUUID()}`;
    const outputs = moved.map(({ output }) => output);
    await this.values.put(key.namespace, name, outputs, 0);
    return reports.map((report) => {
      const at = moved.indexOf(report);
      return at < 0 ? report : { ...report, output: { $claim: { key: name, bytes: lengthOf(report), at: [at] } } };
    });
  }
}

function lengthOf({ output }: StepReport): number {
  return output === undefined ? 0 : JSON.stringify(output).length;
}
