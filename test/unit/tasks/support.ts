import type { Advance, ExecutionEvent, StartedStep, StepError } from '../../../lib/tasks/advance/execution-state';
import { GraphReader } from '../../../lib/tasks/advance/graph-reader';
import { TaskExecution } from '../../../lib/tasks/advance/task-execution';
import { compileTaskFlow } from '../../../lib/tasks/compile/compile-task-flow';
import type { TaskGraph, TaskNode } from '../../../lib/tasks/graph/task-graph';
import { formatProblem } from '../../../lib/topology/problem/problem';

/** The graph of a text without problems. */
export function graphOf(text: string): TaskGraph {
  const { flow, problems } = compileTaskFlow(text, 'test.flow');
  expect(problems.map(formatProblem)).toEqual([]);
  if (flow === undefined) throw new Error('no graph');
  return flow;
}

/** The problems of a text, without the name of the file. */
export function problemsOf(text: string): readonly string[] {
  const { flow, problems } = compileTaskFlow(text, 'f');
  expect(flow === undefined).toBe(problems.some(({ severity }) => severity === 'error'));
  return problems.map((problem) => formatProblem(problem).replace(/^f:/, ''));
}

/** The edges, with short names: `0>A1 A1>B2 B2>3`. */
export function edgesOf({ nodes }: TaskGraph): string {
  const name = (node: TaskNode) =>
    'name' in node && node.kind === 'task' ? `${node.name}${node.index}` : `${node.index}`;
  return nodes.flatMap((node) => node.to.map((to) => `${name(node)}>${name(nodes[to] as TaskNode)}`)).join(' ');
}

/** What the tasks of a run do, by name: an output, or a function of what was started. */
export type Tasks = { readonly [name: string]: unknown };

/** A failure that a task of a run returns. */
export class Failure {
  constructor(readonly error: Omit<StepError, 'step' | 'id'>) {}
}

export function failure(code: string): Failure {
  return new Failure({ code, message: `${code} happened`, attempts: 1 });
}

/** A run whose steps end one at a time, in the order that `pick` decides. Tasks that are not listed echo their input. */
export class TestRun {
  readonly execution: TaskExecution;
  /** Every step that was started: its name and input. */
  readonly log: string[] = [];
  readonly open = new Map<string, StartedStep>();

  constructor(
    readonly graph: TaskGraph,
    input: unknown,
    private readonly tasks: Tasks = {},
    execution = new TaskExecution(new GraphReader(graph), input),
  ) {
    this.execution = execution;
    this.take(execution.start());
  }

  take({ started, stopped }: Advance): void {
    for (const step of started) {
      this.log.push(`${this.nameOf(step)} ${JSON.stringify(step.input)}`);
      this.open.set(step.id, step);
    }
    for (const id of stopped) this.open.delete(id);
  }

  event(event: ExecutionEvent): Advance {
    if ('id' in event) this.open.delete(event.id);
    const moves = this.execution.advance(event);
    this.take(moves);
    return moves;
  }

  /** Ends the running step of this name. */
  end(name: string, result?: unknown): Advance {
    const step = [...this.open.values()].find((each) => this.nameOf(each) === name);
    if (step === undefined) throw new Error(`${name} is not running`);
    return this.endStep(step, result);
  }

  endStep(step: StartedStep, result: unknown = this.resultOf(step)): Advance {
    return result instanceof Failure
      ? this.event({ kind: 'failed', id: step.id, error: result.error })
      : this.event({ kind: 'succeeded', id: step.id, output: result });
  }

  /** Ends steps until none runs. */
  finish(pick: (steps: readonly StartedStep[]) => StartedStep | undefined = (steps) => steps[0]): this {
    for (let next = pick([...this.open.values()]); next !== undefined; next = pick([...this.open.values()]))
      this.endStep(next);
    return this;
  }

  nameOf({ index }: StartedStep): string {
    const node = this.graph.nodes[index];
    return node !== undefined && 'name' in node && node.name !== undefined ? node.name : `${node?.kind}`;
  }

  private resultOf(step: StartedStep): unknown {
    const name = this.nameOf(step);
    if (!Object.hasOwn(this.tasks, name)) return step.input;
    const result = this.tasks[name];
    return typeof result === 'function' ? result(step.input, step) : result;
  }
}

/** Runs a flow to its end, in the order of starts. */
export function run(text: string, input: unknown, tasks: Tasks = {}): TestRun {
  return new TestRun(graphOf(text), input, tasks).finish();
}
