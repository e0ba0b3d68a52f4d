import { ConfigError } from '../../errors';
import type {
  BranchDocument,
  DestinationDocument,
  SourceDocument,
  StatementDocument,
  StepDocument,
} from '../../tasks/document/task-flow-document';
import { type AddOptions, type Origin, type Run, StepOutput } from './step-output';
import { Task } from './task';

interface AddedStep {
  readonly input: StepOutput<unknown>;
  readonly step: StepDocument;
}

/** Names of declared tasks that stand for other tasks. */
export type Aliases = Map<string, string>;

/** The steps of one flow or subflow while it is defined. */
export class StepScope {
  private readonly steps: AddedStep[] = [];

  constructor(private readonly aliases: Aliases) {}

  get start(): StepOutput<never> {
    return new StepOutput(this, [{ kind: 'start' }]);
  }

  from<Value>(source: SourceDocument): StepOutput<Value> {
    return new StepOutput(this, [{ kind: 'source', source }]);
  }

  // the types of inputs and outputs are checked where the step is written
  add<Out>(input: StepOutput<unknown>, run: Run<never, unknown>, options: AddOptions): StepOutput<Out> {
    const { when, catch: caught, optional, map } = options;
    if (input.isMerged && map !== undefined) {
      throw new ConfigError('config-invalid', 'a merged object has no items; use "join" for a list');
    }
    const step: StepDocument = {
      ...(map === undefined ? {} : { mode: 'map' }),
      ...(input.isMerged ? { mode: 'merge' } : {}),
      ...(when === undefined ? {} : { guard: when }),
      ...this.branch(run, {
        ...(optional && { optional }),
        ...(map !== undefined && Object.keys(map).length > 0 ? { map } : {}),
      }),
      ...(caught === undefined ? {} : { catch: this.branch(caught as Run<never, unknown>, {}) }),
    };
    return this.push({ input, step });
  }

  join<Value>(outputs: readonly StepOutput<unknown>[], isMerged: boolean): StepOutput<Value> {
    const origins = outputs.flatMap((output) => this.own(output).origins);
    const places = origins.map((origin) =>
      origin.kind === 'step' ? origin.index + 1 : origin.kind === 'start' ? 0 : -1,
    );
    if (outputs.some(({ isMerged: isJoined, stored }) => isJoined || stored !== undefined) || places.includes(-1)) {
      throw new ConfigError('config-invalid', 'only outputs of steps can be joined; put a step between');
    }
    if (places.some((place, index) => index > 0 && place <= (places[index - 1] ?? 0))) {
      const message = 'outputs are joined in the order in which their steps were added; list them in this order';
      throw new ConfigError('config-invalid', message);
    }
    return new StepOutput(this, origins, isMerged);
  }

  /** The statements of the scope, which end with the output that was returned. A chain of steps is one statement. */
  statements(result: StepOutput<unknown>): readonly StatementDocument[] {
    const ends = this.endsOf(result);
    const readers = this.readers();
    const statements: StatementDocument[] = [];
    for (const [index, { input, step }] of this.steps.entries()) {
      const { length: uses } = readers.get(index) ?? [];
      const isEnd = ends.has(index);
      if (uses === 0 && !isEnd) {
        const message = `the output of ${nameOf(step)} is neither used nor returned; return it, joined with others`;
        throw new ConfigError('config-invalid', message);
      }
      const own: StepDocument = isEnd && uses > 0 ? { ...step, output: labelOf(index) } : step;
      const before = statements.at(-1);
      const isChained = before !== undefined && this.isChained(index, { readers, ends });
      const from = isChained ? before.from : sourceOf(input.origins);
      const to = isEnd
        ? endOf(result)
        : this.isChained(index + 1, { readers, ends })
          ? undefined
          : { label: labelOf(index) };
      const steps = isChained ? [...before.steps, own] : [own];
      if (isChained) statements.pop();
      statements.push({ ...(from && { from }), steps, ...(to && { to }) });
    }
    return statements;
  }

  /** Whether a step only continues the step before, which nothing else reads. */
  private isChained(
    index: number,
    { readers, ends }: { readonly readers: ReadonlyMap<number, readonly number[]>; readonly ends: ReadonlySet<number> },
  ): boolean {
    const { origins } = this.steps[index]?.input ?? { origins: [] };
    const [origin] = origins;
    const isNext = origins.length === 1 && origin?.kind === 'step' && origin.index === index - 1;
    return isNext && !ends.has(index - 1) && readers.get(index - 1)?.length === 1;
  }

  private endsOf(result: StepOutput<unknown>): ReadonlySet<number> {
    const { origins } = this.own(result);
    const ends = new Set(origins.flatMap((origin) => (origin.kind === 'step' ? [origin.index] : [])));
    if (ends.size === origins.length) return ends;
    throw new ConfigError('config-invalid', 'a flow returns the output of a step, not its own input or a constant');
  }

  /** The steps that get the output of each step. */
  private readers(): ReadonlyMap<number, readonly number[]> {
    const readers = new Map<number, number[]>();
    for (const [index, { input }] of this.steps.entries()) {
      for (const origin of input.origins) {
        if (origin.kind === 'step') readers.set(origin.index, [...(readers.get(origin.index) ?? []), index]);
      }
    }
    return readers;
  }

  private own(output: StepOutput<unknown>): StepOutput<unknown> {
    if (output.scope === this) return output;
    throw new ConfigError('config-invalid', 'an output of another flow or subflow; pass it in as the input');
  }

  private push<Out>(added: AddedStep): StepOutput<Out> {
    if (this.own(added.input).stored !== undefined) {
      throw new ConfigError('config-invalid', 'an output that is stored is the last one; return it');
    }
    return new StepOutput(this, [{ kind: 'step', index: this.steps.push(added) - 1 }]);
  }

  branch(run: Run<never, unknown>, policy: object): BranchDocument {
    if (!(run instanceof Task)) {
      const scope = new StepScope(this.aliases);
      const result = run(scope.start as StepOutput<never>);
      return { statements: scope.statements(result), ...(Object.keys(policy).length > 0 ? { with: policy } : {}) };
    }
    const { name, options } = run;
    this.declare(name, options.base);
    const all = { ...options.policy, ...policy };
    return {
      task: name,
      ...(options.parameters === undefined ? {} : { parameters: options.parameters }),
      ...(Object.keys(all).length > 0 ? { with: all } : {}),
    };
  }

  private declare(name: string, base: string | undefined): void {
    const known = this.aliases.get(name);
    if (known !== undefined && known !== (base ?? name)) {
      throw new ConfigError('config-invalid', `the task "${name}" stands for "${known}" and for "${base ?? name}"`);
    }
    this.aliases.set(name, base ?? name);
  }
}

function nameOf(step: StepDocument): string {
  return step.task === undefined ? 'a subflow' : `"${step.task}"`;
}

function labelOf(index: number): string {
  return `s${index + 1}`;
}

/** Undefined for the start alone, which is the default. */
function sourceOf(origins: readonly Origin[]): SourceDocument | undefined {
  const [first] = origins;
  if (first?.kind === 'source') return first.source;
  const labels = origins.map((origin) => (origin.kind === 'step' ? labelOf(origin.index) : 'start'));
  const [only = 'start'] = labels;
  if (labels.length > 1) return { labels };
  return only === 'start' ? undefined : { label: only };
}

/** Undefined for the end alone, which is the default. */
function endOf({ isMerged, stored }: StepOutput<unknown>): DestinationDocument | undefined {
  return stored ?? (isMerged ? { label: 'end', merge: true } : undefined);
}
