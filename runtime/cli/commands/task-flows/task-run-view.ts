import type { ExecutionDetail, ExecutionStep } from '../../../api-contract/execution-status';
import { describeError, renderExecution } from '../../render/execution-status';
import { LiveView } from '../../terminal/live-view';
import { mediumOf } from '../../terminal/output';

/** The steps of a run: on a terminal a table, redrawn in place; otherwise a line for each change. */
export class TaskRunView {
  private readonly written = new Map<string, string>();

  private constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly live: LiveView | undefined,
  ) {}

  static async open(): Promise<TaskRunView> {
    return new TaskRunView(process.stderr, await LiveView.open(process.stderr));
  }

  /** Writes a permanent line. */
  say(line: string): void {
    if (this.live === undefined) this.stream.write(`${line}\n`);
    else this.live.say(line);
  }

  show(execution: ExecutionDetail): void {
    const { live, stream } = this;
    if (live !== undefined) {
      live.show(() => renderExecution(execution, { nowMs: Date.now(), medium: mediumOf(stream) }));
      return;
    }
    for (const step of execution.steps) {
      const line = lineOf(step);
      if (step.status === 'waiting' || this.written.get(step.step) === line) continue;
      this.written.set(step.step, line);
      stream.write(`${line}\n`);
    }
  }

  /** Shows the end, and writes the output of a completed run to stdout. */
  end(execution: ExecutionDetail): void {
    this.show(execution);
    this.live?.close();
    const { status, error, output = {} } = execution;
    this.stream.write(`${status}${error === undefined ? '' : `: ${describeError(error)}`}\n`);
    if (status === 'Completed') process.stdout.write(`${JSON.stringify(output, null, 2)}\n`);
  }
}

function lineOf({ step, name, status, waits, error, attempts }: ExecutionStep): string {
  const notes = [
    attempts > 1 ? `attempt ${attempts}` : undefined,
    waits && `waits for ${waits.for}: ${waits.message}`,
    error && describeError({ ...error, step: undefined }),
  ];
  return [step, name, status, ...notes].filter((part) => part !== undefined).join('  ');
}
