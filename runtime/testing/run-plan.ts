import { FunctionError } from '../../lib/errors';
import { outputsOf } from '../../lib/plan/function-spec';
import type { LogLevel } from '../engine/ports/host';
import { Interruptions, inputId } from './interruptions';
import { MemoryFlow } from './memory-flow';
import { type Observed, observe } from './observe';
import type { TestedFunction, TestPlan } from './test-plan';
import { TestReplica } from './test-replica';

/** A line of the log of a function. */
export interface LogLine {
  readonly function: string;
  readonly level: LogLevel;
  readonly text: string;
  /** The record that the line is about, as `<stream>:<sequence>`. */
  readonly record?: string;
}

/** What a test has done. */
export interface TestRun extends Observed {
  /** Why the functions did not process all of the input. */
  readonly failure?: string;
  /** Paths of the lines of the input that ended no replica. */
  readonly unreached: readonly string[];
  /** Streams from which functions got records, as `FUNCTION<STREAM`. */
  readonly reads: ReadonlySet<string>;
  readonly logs: readonly LogLine[];
}

/** Runs the functions of a test over streams in memory until they have processed the input. */
export async function runPlan(plan: TestPlan): Promise<TestRun> {
  const flow = openFlow(plan);
  const running = new RunningTest(plan, flow);
  const failure = (await fillInput(plan, flow)) ?? (await running.end());
  return {
    ...(await observe(plan, flow)),
    ...(failure === undefined ? {} : { failure }),
    unreached: running.interruptions.left.map(({ path }) => path),
    reads: running.reads,
    logs: running.logs,
  };
}

/** The flow with its streams, which are empty. */
function openFlow({ schemas, functions, buckets, limit }: TestPlan): MemoryFlow {
  const flow = new MemoryFlow(buckets);
  for (const schema of schemas) flow.addSchema(schema);
  for (const { spec } of functions) {
    flow.streams.bind(spec.deadLetters.subject, spec.deadLetters.stream);
    for (const output of outputsOf(spec)) flow.streams.bindOutput(output);
  }
  if (limit !== undefined) flow.streams.stream(limit.stream).maxMessages = limit.records;
  return flow;
}

/** Stores the whole input; returns why that cannot be. */
async function fillInput({ input }: TestPlan, flow: MemoryFlow): Promise<string | undefined> {
  try {
    for (const { output, payloads } of input) {
      const messages = payloads.map((payload, index) => ({ id: inputId(`${output.stream}|${index}`), payload }));
      await flow.fill(output, messages);
    }
    return undefined;
  } catch (error) {
    if (error instanceof FunctionError) return `input: ${error.message}`;
    throw error;
  }
}

class RunningTest {
  readonly reads = new Set<string>();
  readonly logs: LogLine[] = [];
  readonly interruptions: Interruptions;
  private readonly replicas = new Set<TestReplica>();
  private isOver = false;

  constructor(
    private readonly plan: TestPlan,
    private readonly flow: MemoryFlow,
  ) {
    this.interruptions = new Interruptions(plan.interruptions, flow.streams);
  }

  /** Resolves when every function has processed its input, or with the reason why that does not happen. */
  async end(): Promise<string | undefined> {
    const { functions, timeoutMs } = this.plan;
    await this.sealInput();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(this.lateness()), timeoutMs);
    });
    const done = Promise.all(functions.map((each) => this.runFunction(each))).then(
      () => undefined,
      (error: Error) => error.message,
    );
    const failure = await Promise.race([done, late]);
    clearTimeout(timer);
    this.isOver = true;
    await Promise.all([...this.replicas].map((replica) => replica.kill()));
    return failure;
  }

  /** Nothing follows on the outputs of functions that do not run. */
  private async sealInput(): Promise<void> {
    const written = new Set(this.plan.functions.flatMap(({ spec }) => outputsOf(spec).map(({ stream }) => stream)));
    for (const { spec } of this.plan.functions) {
      for (const { function: from, stream } of spec.inputs) {
        if (!written.has(stream))
          await this.flow.state.markEnded({ function: `${from} of the test`, streams: [stream] });
      }
    }
  }

  private async runFunction(tested: TestedFunction): Promise<void> {
    const numbers = Array.from({ length: tested.spec.replicas }, (_, number) => number);
    await Promise.all(numbers.map((number) => this.runReplica(tested, number)));
  }

  /** Starts a replica again until it has ended by itself. */
  private async runReplica({ spec, env }: TestedFunction, number: number): Promise<void> {
    const { flow, interruptions } = this;
    while (!this.isOver) {
      const replica = new TestReplica({
        flow,
        spec,
        number,
        baseDir: this.plan.baseDir,
        env: { ...process.env, ...env },
        interruptions,
        log: (level, text, { record } = {}) =>
          this.logs.push({ function: spec.function, level, text, ...(record === undefined ? {} : { record }) }),
        onRecord: ({ origin }) => this.reads.add(`${spec.function}<${spec.inputs[origin.input]?.stream}`),
      });
      this.replicas.add(replica);
      const end = await replica.ended;
      this.replicas.delete(replica);
      if (end.is === 'done') return;
      if (end.is === 'failed') throw end.error;
      if (this.isLimited(spec)) {
        await flow.state.markEnded({ function: spec.function, streams: outputsOf(spec).map(({ stream }) => stream) });
        return;
      }
    }
  }

  /** The source has emitted what the test takes. */
  private isLimited({ output }: TestedFunction['spec']): boolean {
    const { limit } = this.plan;
    return limit !== undefined && output?.stream === limit.stream && this.flow.streams.stream(limit.stream).isFull;
  }

  private lateness(): string {
    const { functions, timeoutMs } = this.plan;
    const waiting = functions.flatMap(({ spec }) => {
      const left = spec.inputs.reduce((sum, input) => sum + this.flow.unackedOf(input), 0);
      return left === 0 ? [] : [`${spec.function} has ${left} unprocessed ${left === 1 ? 'record' : 'records'}`];
    });
    const where = waiting.length === 0 ? 'no function has ended' : waiting.join(', ');
    return `timed out after ${timeoutMs / 1_000} s: ${where}; raise the limit with timeout`;
  }
}
