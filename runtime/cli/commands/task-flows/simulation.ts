import type { Advance, ExecutionEvent, Outcome, StartedStep } from '../../../../lib/tasks/advance/execution-state';
import { GraphReader } from '../../../../lib/tasks/advance/graph-reader';
import { parseStepId, type StepId } from '../../../../lib/tasks/advance/step-id';
import { TaskExecution } from '../../../../lib/tasks/advance/task-execution';
import type { TaskGraph } from '../../../../lib/tasks/graph/task-graph';
import { pause } from '../../../async/pause';
import type { ExecutionSnapshot, StepNote } from '../../../controller/executions/ports/execution-workflow';

export interface SimulationOptions {
  readonly input: unknown;
  /** How long each attempt of a step takes. */
  readonly delayMs: number;
  /** Share of attempts that fail, from 0 to 1. */
  readonly failures: number;
  /** The same numbers give the same failures. At least 0, below 1. */
  readonly random: () => number;
  /** Called after each change. */
  readonly onChange: () => void;
}

/**
 * Runs a task flow without servers: each step passes its input on after a delay, or fails. A step before a map passes a list
 * on, and an approval is given. Failures are drawn in the order of starts, so that a seed repeats those of a flow in which one
 * step runs at a time.
 */
export class Simulation {
  private readonly execution: TaskExecution;
  private readonly notes: { [step: StepId]: StepNote } = {};
  private readonly fates = new Map<StepId, 'succeeds' | 'fails'>();
  private readonly running = new Map<StepId, Promise<StepId>>();
  private readonly interrupted = new Set<StepId>();
  private readonly startedMs = Date.now();
  private endedMs: number | undefined;
  private stop = new AbortController();
  private isCanceled = false;

  constructor(
    readonly graph: TaskGraph,
    private readonly options: SimulationOptions,
  ) {
    this.execution = new TaskExecution(new GraphReader(graph), options.input);
  }

  /** Resolves with the outcome. */
  async run(): Promise<Outcome> {
    this.take(this.execution.start());
    while (this.execution.outcome === undefined) {
      const id = await Promise.race(this.running.values());
      if (this.running.delete(id)) this.end(id);
    }
    this.stop.abort();
    return this.execution.outcome;
  }

  /** The first time, stops running steps, and runs the finally step; the second time, ends at once. */
  cancel(): void {
    const wasCanceled = this.isCanceled;
    this.isCanceled = true;
    for (const id of this.running.keys()) this.interrupted.add(id);
    const interrupted = this.stop;
    this.stop = new AbortController();
    this.take(this.execution.advance(wasCanceled ? { kind: 'cancel', force: true } : { kind: 'cancel' }));
    interrupted.abort();
  }

  /** Everything that is known now. */
  snapshot(): ExecutionSnapshot {
    const { graph, startedMs, endedMs, notes } = this;
    const definition = { namespace: 'local', execution: 'simulation', incarnation: '', by: '', attributes: {} };
    return {
      v: 1,
      definition: { ...definition, ...(graph.name === undefined ? {} : { name: graph.name }) },
      graph,
      state: this.execution.state(),
      run: 1,
      startedMs,
      ...(endedMs === undefined ? {} : { endedMs }),
      notes: { ...notes },
      log: [],
    };
  }

  private take({ started, stopped, outcome }: Advance): void {
    for (const id of stopped) this.running.delete(id);
    for (const step of started) this.begin(step);
    if (outcome !== undefined) this.endedMs = Date.now();
    this.options.onChange();
  }

  private begin({ id, index }: StartedStep): void {
    const node = this.graph.nodes[index];
    const most = node?.kind === 'task' ? node.policy.retry.attempts : 1;
    const { failures, random, delayMs } = this.options;
    let failed = 0;
    while (failed < most && random() < failures) failed += 1;
    const attempt = Math.min(failed + 1, most);
    this.notes[id] = { startedMs: Date.now(), attempt };
    this.fates.set(id, failed === most ? 'fails' : 'succeeds');
    const over = pause(delayMs * attempt, this.stop.signal);
    this.running.set(
      id,
      over.then(() => id),
    );
  }

  private end(id: StepId): void {
    const note = this.notes[id];
    if (note !== undefined) this.notes[id] = { ...note, endedMs: Date.now() };
    this.take(this.execution.advance(this.eventOf(id, note?.attempt ?? 1)));
  }

  private eventOf(id: StepId, attempts: number): ExecutionEvent {
    if (this.interrupted.delete(id)) return { kind: 'canceled', id };
    if (this.fates.get(id) === 'succeeds') return { kind: 'succeeded', id, output: this.outputOf(id) };
    return { kind: 'failed', id, error: { code: 'simulated', message: 'a failure of the simulation', attempts } };
  }

  private outputOf(id: StepId): unknown {
    const input = this.execution.steps.get(id)?.input;
    const node = this.graph.nodes[parseStepId(id)?.index ?? -1];
    if (node?.kind === 'approval') {
      return { isApproved: true, answers: {}, by: 'simulation', at: new Date().toISOString() };
    }
    return !Array.isArray(input) && node !== undefined && this.execution.reader.leadsToMap(node) ? [input] : input;
  }
}
