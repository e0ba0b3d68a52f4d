import type { Advance, ExecutionEvent, StartedStep } from '../../../lib/tasks/advance/execution-state';
import { GraphReader } from '../../../lib/tasks/advance/graph-reader';
import { isInBranch } from '../../../lib/tasks/advance/kept-steps';
import { restoreExecution } from '../../../lib/tasks/advance/restore-execution';
import { resumeExecution } from '../../../lib/tasks/advance/resume-execution';
import { formatStepId } from '../../../lib/tasks/advance/step-id';
import { TaskExecution } from '../../../lib/tasks/advance/task-execution';
import type { TaskGraph, TaskNode } from '../../../lib/tasks/graph/task-graph';
import { Random, seed } from '../../support/random';
import { comparable, outputOf, RandomFlow } from './random-flow';
import { Failure, graphOf } from './support';

const flows = Array.from({ length: 60 }, (_, index) => index);

/** Everything that a run may be compared by. */
class RandomRun {
  readonly inputs = new Map<string, string>();
  readonly succeeded = new Set<string>();
  private open: StartedStep[] = [];

  constructor(
    readonly graph: TaskGraph,
    public execution: TaskExecution,
    private readonly random: Random,
    private readonly options: { readonly broken: boolean; readonly restores?: boolean; readonly cancelAt?: number },
  ) {}

  run(first: ReturnType<TaskExecution['start']>): this {
    this.take(first);
    for (let ended = 0; this.open.length > 0; ended += 1) {
      if (this.options.restores && this.random.next() < 0.1) this.restore();
      if (ended === this.options.cancelAt) this.take(this.advance({ kind: 'cancel' }));
      else this.end();
    }
    return this;
  }

  private take({ started, stopped }: ReturnType<TaskExecution['start']>): void {
    for (const step of started) {
      expect(this.inputs.has(step.id)).toBe(false);
      this.inputs.set(step.id, comparable(step.input));
      this.open.push(step);
    }
    this.open = this.open.filter(({ id }) => !stopped.includes(id));
  }

  private end(): void {
    const [step] = this.open.splice(Math.floor(this.random.next() * this.open.length), 1);
    if (step === undefined) throw new Error('nothing to end');
    const node = this.graph.nodes[step.index];
    const result = outputOf(node !== undefined && 'name' in node ? (node.name ?? '') : '', step, this.options.broken);
    if (!(result instanceof Failure)) this.succeeded.add(step.id);
    const event =
      result instanceof Failure
        ? ({ kind: 'failed', id: step.id, error: result.error } as const)
        : ({ kind: 'succeeded', id: step.id, output: result } as const);
    this.take(this.advance(event));
    if (this.random.next() < 0.1) expect(this.execution.advance(event)).toEqual({ started: [], stopped: [] });
  }

  /** At times, a restored execution must move as this one does. */
  private advance(event: ExecutionEvent): Advance {
    if (this.random.next() > 0.2) return this.execution.advance(event);
    const twin = this.restored();
    const moves = this.execution.advance(event);
    expect(sorted(twin.advance(event))).toEqual(sorted(moves));
    expect(twin.state()).toEqual(this.execution.state());
    return moves;
  }

  /** Goes on from the stored state, as after a restart of whoever holds the execution. */
  private restore(): void {
    this.execution = this.restored();
  }

  private restored(): TaskExecution {
    const state = JSON.parse(JSON.stringify(this.execution.state()));
    const execution = restoreExecution(this.graph, state);
    expect(execution.state()).toEqual(state);
    return execution;
  }

  get outcome(): unknown {
    const { outcome } = this.execution;
    return outcome?.status === 'completed' ? comparable(outcome.output) : outcome?.status;
  }
}

/** Moves without the order in which steps start and stop. */
function sorted({ started, stopped, outcome }: Advance): Advance {
  return {
    started: [...started].sort((one, other) => one.id.localeCompare(other.id)),
    stopped: [...stopped].sort(),
    ...(outcome === undefined ? {} : { outcome }),
  };
}

function start(
  graph: TaskGraph,
  random: Random,
  options: { broken: boolean; restores?: boolean; cancelAt?: number },
): RandomRun {
  const execution = new TaskExecution(new GraphReader(graph), { n: 5 });
  return new RandomRun(graph, execution, random, options).run(execution.start());
}

describe.each([
  ['without failures', false],
  ['with failures', true],
])('random flows %s', (_, broken) => {
  test.each(flows)('have one outcome, whatever ends first (%i)', (index) => {
    const random = new Random(seed + index);
    const text = new RandomFlow(random).text();
    const graph = graphOf(text);
    const one = start(graph, random, { broken });
    const other = start(graph, random, { broken, restores: true });

    // every order gives the same outcome, and each step the same input
    expect(other.outcome).toEqual(one.outcome);
    expect(one.outcome).toBeDefined();
    for (const [id, input] of other.inputs) expect(one.inputs.get(id) ?? input).toBe(input);
    if (!broken) expect(new Set(other.inputs.keys())).toEqual(new Set(one.inputs.keys()));
    const running = Object.entries(one.execution.state().steps).filter(([, { status }]) => status === 'running');
    expect(running).toEqual([]);

    // a cancel at any time has one outcome, and what has succeeded does not run again after it, nor after a failure
    const canceled = start(graph, random, { broken, restores: true, cancelAt: random.upTo(5) - 1 });
    for (const run of [other, canceled]) {
      if (run.execution.outcome?.status === 'completed') continue;
      const state = JSON.parse(JSON.stringify(run.execution.state()));
      // half of them on another graph, which is the same
      const definition = random.next() < 0.5 ? graphOf(text) : undefined;
      const execution = resumeExecution(graph, state, { definition });
      const resumed = new RandomRun(graph, execution, random, { broken: false, restores: true }).run(execution.start());
      expect(resumed.execution.outcome?.status).toBe('completed');
      for (const id of resumed.inputs.keys()) {
        if (run.succeeded.has(id))
          expect(isInBranch(execution.reader, graph.nodes[Number.parseInt(id, 10)] as TaskNode)).toBe(true);
      }
    }
  });
});

test('ids of step instances', () => {
  expect(formatStepId(3, [1, 0])).toBe('3[1][0]');
});
