import type { StepError } from '../../tasks/advance/execution-state';
import type { PolicyDocument } from '../../tasks/document/policy-schema';
import type { SourceDocument } from '../../tasks/document/task-flow-document';
import type { Task } from './task';

declare const carried: unique symbol;

/** What a step runs: a task, or a subflow as a function from its input to its output. */
export type Run<In, Out> = Task<In, Out> | ((input: StepOutput<In>) => StepOutput<Out>);

/** What the branch of a failed step gets. `results` are the outputs of the tasks beside it and within, by name. */
export interface Failed<In> {
  readonly error: StepError;
  readonly input: In;
  readonly results: { readonly [task: string]: unknown };
}

export interface StepOptions<In, Caught> {
  /** A JSONPath. Without a match, the step does not run, and its input is its output. */
  readonly when?: string;
  /** Runs when the step has failed; its output is that of the step. */
  readonly catch?: Run<Failed<In>, Caught>;
  /** `skip`: a failed step passes its input on. `skip-rest`: what follows is skipped too. */
  readonly optional?: 'fail' | 'skip' | 'skip-rest';
}

export interface EachOptions<In, Caught> extends Omit<StepOptions<In, Caught>, 'when'> {
  /** A condition for each item; an item without a match is its own result. */
  readonly when?: string;
  /** Items that run at a time; 100 by default. */
  readonly limit?: number;
  /** Failed items that do not fail the step; their results are errors. */
  readonly tolerate?: number;
}

/** The options as they were written, with their literal types. */
type Given<Options> = { readonly [Key in keyof Options]: Options[Key] };

type CaughtBy<Options> = Options extends { readonly catch: Run<never, infer Caught> } ? Caught : never;
type PassedBy<In, Options> = Options extends { readonly when: string } | { readonly optional: 'skip' } ? In : never;

export type StepResult<In, Out, Options> = Out | CaughtBy<Options> | PassedBy<In, Options>;

type ItemOf<List> = List extends readonly (infer Item)[] ? Item : never;

type ItemResult<Item, Out, Options> =
  | Out
  | (Options extends { readonly when: string } ? Item : never)
  | (Options extends { readonly tolerate: number } ? { readonly error: StepError } : never);

export type EachResult<List, Out, Options> =
  | readonly ItemResult<ItemOf<List>, Out, Options>[]
  | CaughtBy<Options>
  | (Options extends { readonly optional: 'skip' } ? List : never);

/** Where a value comes from: the start of a flow, a constant or resource, or a step. */
export type Origin =
  | { readonly kind: 'start' }
  | { readonly kind: 'source'; readonly source: SourceDocument }
  | { readonly kind: 'step'; readonly index: number };

/** Options of a step without their types; with `map`, the step runs for each item. */
export interface AddOptions extends EachOptions<never, unknown> {
  readonly map?: object;
}

/** The flow or subflow that an output belongs to. */
interface OutputScope {
  add<Out>(input: StepOutput<unknown>, run: Run<never, unknown>, options: AddOptions): StepOutput<Out>;
  join<Value>(outputs: readonly StepOutput<unknown>[], isMerged: boolean): StepOutput<Value>;
}

/** The output of a step, or the input of a flow, which further steps get. It may be used several times. */
export class StepOutput<Value> {
  declare readonly [carried]?: Value;

  constructor(
    readonly scope: OutputScope,
    /** What a step gets; several origins give a list, or merged one object. */
    readonly origins: readonly Origin[],
    readonly isMerged = false,
    /** The resource in which the last step stores the output. */
    readonly stored?: { readonly store: string; readonly parameters?: unknown },
  ) {}

  /** Adds a step that gets this output. */
  to<Out, const Options extends StepOptions<Value, unknown> = Record<never, never>>(
    run: Run<Value, Out>,
    options?: Given<Options>,
  ): StepOutput<StepResult<Value, Out, Options>> {
    return this.scope.add(this, run, { ...options });
  }

  /** Adds a step that runs once for each item of this output, which is a list; the result is a list in the same order. */
  each<Out, const Options extends EachOptions<Value, unknown> = Record<never, never>>(
    this: StepOutput<readonly unknown[]>,
    run: Run<ItemOf<Value>, Out>,
    options?: Given<Options>,
  ): StepOutput<EachResult<Value, Out, Options>> {
    const { limit, tolerate, ...others } = (options ?? {}) as EachOptions<Value, unknown>;
    const map: PolicyDocument['map'] = { ...(limit && { limit }), ...(tolerate && { tolerate }) };
    return this.scope.add(this, run, { ...others, map });
  }

  /** Stores this output as a resource. The stored output is the last one of its flow: return it. */
  store(uri: string, parameters?: unknown): StepOutput<Value> {
    const stored = { store: uri, ...(parameters === undefined ? {} : { parameters }) };
    return new StepOutput(this.scope, this.origins, this.isMerged, stored);
  }
}

/** The types of several outputs, as a tuple. */
type ValuesOf<Outputs extends readonly StepOutput<unknown>[]> = {
  -readonly [Key in keyof Outputs]: Outputs[Key] extends StepOutput<infer Value> ? Value : never;
};

type Intersected<Tuple> = Tuple extends readonly [infer First, ...infer Rest] ? First & Intersected<Rest> : unknown;

/**
 * Several outputs as one: a list of them, in the order in which their steps were added. An empty object in it is left out
 * where anything else arrives.
 */
export function join<const Outputs extends readonly [StepOutput<unknown>, ...StepOutput<unknown>[]]>(
  ...outputs: Outputs
): StepOutput<ValuesOf<Outputs>> {
  return outputs[0].scope.join(outputs, false);
}

/** Several outputs, which are objects, as one object; keys of later ones win. */
export function merge<const Outputs extends readonly [StepOutput<object>, ...StepOutput<object>[]]>(
  ...outputs: Outputs
): StepOutput<Intersected<ValuesOf<Outputs>>> {
  return outputs[0].scope.join(outputs, true);
}
