import type {
  BranchSyntax,
  Statement,
  StatementDestination,
  StatementSource,
  StepSyntax,
  TaskCall,
  TaskFlowSyntax,
  WrittenValue,
} from '../language/syntax';
import type {
  BranchDocument,
  CallDocument,
  DestinationDocument,
  SourceDocument,
  StatementDocument,
  StepDocument,
  TaskFlowDocument,
} from './task-flow-document';

/** The JSON form of a syntax tree. Comments and positions are not part of it. */
export function toJsonForm({ flow, tasks, statements, finally: last }: TaskFlowSyntax): TaskFlowDocument {
  const declared = tasks.map(({ name, base, doc, statements: inner, ...task }) => [
    name,
    present({ base, ...dataOf(task), doc, statements: inner?.map(statementOf) }),
  ]);
  return present({
    flow: flow && present({ name: flow.name, ...dataOf(flow), doc: flow.doc }),
    tasks: declared.length === 0 ? undefined : Object.fromEntries(declared),
    statements: statements.map(statementOf),
    finally: last && branchOf(last),
  });
}

function statementOf({ source, steps, destination }: Statement): StatementDocument {
  return present({
    from: source && sourceOf(source),
    steps: steps.map(stepOf),
    to: destination && destinationOf(destination),
  });
}

function sourceOf(source: StatementSource): SourceDocument {
  if (source.kind === 'labels') {
    const [first, ...others] = source.labels.map(({ name }) => name);
    return first !== undefined && others.length === 0
      ? { label: first }
      : { labels: source.labels.map(({ name }) => name) };
  }
  if (source.kind === 'constant') return { constant: source.value };
  return present({ load: source.uri, parameters: source.parameters?.value });
}

function destinationOf(destination: StatementDestination): DestinationDocument {
  if (destination.kind === 'label') return present({ label: destination.name, merge: destination.merge });
  return present({ store: destination.uri, parameters: destination.parameters?.value });
}

function stepOf(step: StepSyntax): StepDocument {
  const { input, output, mode, guard } = step;
  return present({ input: input?.name, mode, guard: guard?.text, ...branchOf(step), output: output?.name });
}

function branchOf({ run, catch: caught }: BranchSyntax): BranchDocument {
  const after = caught === undefined ? {} : { catch: branchOf(caught) };
  switch (run.kind) {
    case 'task':
      return { ...callOf(run), ...after };
    case 'list':
      return { tasks: run.tasks.map(callOf), ...after };
    case 'subflow':
      return { statements: run.statements.map(statementOf), ...dataOf(run), ...after };
  }
}

function callOf(call: TaskCall): CallDocument {
  return { task: call.name, ...dataOf(call) };
}

function dataOf({ parameters, policy }: { readonly parameters?: WrittenValue; readonly policy?: WrittenValue }): {
  readonly parameters?: unknown;
  readonly with?: unknown;
} {
  return present({ parameters: parameters?.value, with: policy?.value });
}

/** Without the keys that have no value. */
function present<T extends object>(map: T): T {
  return Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined)) as T;
}
