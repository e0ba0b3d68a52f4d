import { ConfigError } from '../../errors';
import { compileTaskFlow } from '../../tasks/compile/compile-task-flow';
import type { TaskFlowDocument } from '../../tasks/document/task-flow-document';
import type { TaskGraph } from '../../tasks/graph/task-graph';
import { TopologyError } from '../../topology/problem/problem';
import type { Failed, Run, StepOutput } from './step-output';
import { type Aliases, StepScope } from './step-scope';

export interface TaskFlowOptions {
  /** What the flow does. */
  readonly doc?: string;
  /** By which executions are searched. */
  readonly attributes?: { readonly [name: string]: string };
  /** Runs when an execution is canceled. */
  readonly finally?: Run<Pick<Failed<never>, 'input' | 'results'>, unknown>;
}

/** Sources of a flow besides its input. */
export interface TaskFlowSources {
  /** A constant, any JSON. */
  constant<Value>(value: Value): StepOutput<Value>;
  /** The content of a resource. The URI is a template. */
  load<Value = unknown>(uri: string, parameters?: unknown): StepOutput<Value>;
}

/** A task flow as code. */
export class TaskFlowDefinition<In = unknown, Out = unknown> {
  declare readonly types?: (input: In) => Out;

  constructor(
    readonly name: string,
    private readonly written: TaskFlowDocument,
  ) {}

  /** The JSON form, which the API and all commands take. */
  document(): TaskFlowDocument {
    return this.written;
  }

  /** The compiled graph. Throws TopologyError with every problem. */
  graph(): TaskGraph {
    const { flow, problems } = compileTaskFlow(JSON.stringify(this.written), this.name);
    if (flow === undefined) throw new TopologyError(problems);
    return flow;
  }
}

/**
 * Defines a task flow: `build` gets the input and returns the output of the last step. Throws ConfigError for steps whose
 * output is lost, and for joins out of order.
 */
export function defineTaskFlow<In, Out>(
  name: string,
  build: (input: StepOutput<In>, sources: TaskFlowSources) => StepOutput<Out>,
  { doc, attributes, finally: last }: TaskFlowOptions = {},
): TaskFlowDefinition<In, Out> {
  const aliases: Aliases = new Map();
  const scope = new StepScope(aliases);
  const sources: TaskFlowSources = {
    constant: (constant) => scope.from({ constant }),
    load: (uri, parameters) => scope.from({ load: uri, ...(parameters === undefined ? {} : { parameters }) }),
  };
  const result = atFlow(name, () => scope.statements(build(scope.start, sources)));
  const cleanup = last && atFlow(name, () => scope.branch(last as Run<never, unknown>, {}));
  const declared = [...aliases].filter(([each, base]) => each !== base);
  return new TaskFlowDefinition(name, {
    flow: { name, ...(attributes && { parameters: { attributes } }), ...(doc === undefined ? {} : { doc }) },
    ...(declared.length > 0 ? { tasks: Object.fromEntries(declared.map(([each, base]) => [each, { base }])) } : {}),
    statements: result,
    ...(cleanup && { finally: cleanup }),
  });
}

/** Names the flow in the message of what its definition throws. */
function atFlow<T>(name: string, define: () => T): T {
  try {
    return define();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError('config-invalid', `${name}: ${error.message}`, { cause: error });
  }
}
