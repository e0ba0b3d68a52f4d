import type { Place } from '../../topology/read/document-source';
import { parseDocument } from '../../topology/read/parse-document';
import type {
  BranchSyntax,
  LabelSyntax,
  ResourceSyntax,
  Statement,
  StatementDestination,
  StatementSource,
  StepSyntax,
  TaskCall,
  TaskFlowSyntax,
  WrittenValue,
} from '../language/syntax';
import { reservedWords } from '../language/token';
import type {
  BranchDocument,
  CallDocument,
  DestinationDocument,
  SourceDocument,
  StatementDocument,
  StepDocument,
  TaskFlowDocument,
} from './task-flow-document';
import type { TaskFlowProblems } from './task-flow-problems';
import { taskFlowSchema } from './task-flow-schema';

/** The syntax tree of the JSON form of a task flow; undefined if it has problems, which are added. */
export function readJsonForm(text: string, file: string, problems: TaskFlowProblems): TaskFlowSyntax | undefined {
  const parsed = parseDocument(text, file, { name: 'task flow', key: 'statements' });
  for (const problem of parsed.problems) problems.addAt(problem, problem);
  const { source } = parsed;
  if (source === undefined || problems.read(taskFlowSchema, source, '') === undefined) return undefined;
  const reader = new JsonReader(problems);
  const syntax = reader.flow(source.value as TaskFlowDocument, source.place);
  return problems.hasErrors ? undefined : syntax;
}

const nameRule = /^[A-Za-z_](?:[\p{L}\p{N}_:]|-(?!>))*$/u;

/** Converts parts of the form whose shape is checked. Each function gets the position of its part. */
class JsonReader {
  constructor(private readonly problems: TaskFlowProblems) {}

  flow({ flow, tasks = {}, statements, finally: last }: TaskFlowDocument, place: Place): TaskFlowSyntax {
    const at = child(place, 'flow');
    const declared = child(place, 'tasks');
    return {
      ...(flow && {
        flow: { at: at.at, name: this.name(flow.name, child(at, 'name')), doc: flow.doc, ...this.data(flow, at) },
      }),
      tasks: Object.entries(tasks).map(([name, task]) => {
        const here = child(declared, name);
        const { base, doc, statements: inner } = task;
        return {
          at: here.at,
          name: this.taskName(name, here),
          ...(base === undefined ? {} : { base: this.name(base, child(here, 'base')) }),
          doc,
          ...this.data(task, here),
          ...(inner && { statements: this.statements(inner, child(here, 'statements')) }),
        };
      }),
      statements: this.statements(statements, child(place, 'statements')),
      declarations: [],
      ...(last && { finally: this.branch(last, child(place, 'finally')) }),
    };
  }

  private statements(list: readonly StatementDocument[], place: Place): readonly Statement[] {
    if (list.length === 0) this.problems.add({ code: 'shape', at: place.at, message: 'a flow needs a step' });
    return list.map((statement, index) => this.statement(statement, child(place, index)));
  }

  private statement({ from, steps, to }: StatementDocument, place: Place): Statement {
    if (steps.length === 0) this.problems.add({ code: 'shape', at: place.at, message: 'a statement needs a step' });
    return {
      at: place.at,
      ...(from && { source: this.source(from, child(place, 'from')) }),
      steps: steps.map((step, index) => this.step(step, child(child(place, 'steps'), index))),
      ...(to && { destination: this.destination(to, child(place, 'to')) }),
    };
  }

  private source(source: SourceDocument, place: Place): StatementSource {
    this.exactlyOne(source, ['label', 'labels', 'constant', 'load'], place);
    if ('label' in source || 'labels' in source) {
      const at = child(place, 'labels');
      const labels =
        'label' in source
          ? [this.label(source.label, child(place, 'label'))]
          : source.labels.map((label, index) => this.label(label, child(at, index)));
      return { kind: 'labels', at: place.at, labels };
    }
    if ('load' in source) return this.resource(source.load, source, place);
    return { kind: 'constant', at: place.at, value: source.constant, place: child(place, 'constant') };
  }

  private destination(destination: DestinationDocument, place: Place): StatementDestination {
    this.exactlyOne(destination, ['label', 'store'], place);
    if ('store' in destination) return this.resource(destination.store, destination, place);
    const { label, merge = false } = destination;
    return { ...this.label(label, child(place, 'label')), ...(merge ? { merge: true as const } : {}) };
  }

  private resource(uri: string, parameters: object, place: Place): ResourceSyntax {
    return { kind: 'resource', at: place.at, uri, ...this.data(parameters, place) };
  }

  private step(step: StepDocument, place: Place): StepSyntax {
    const { input, output, mode, guard } = step;
    return {
      ...this.branch(step, place),
      ...(input === undefined ? {} : { input: this.label(input, child(place, 'input')) }),
      ...(output === undefined ? {} : { output: this.label(output, child(place, 'output')) }),
      ...(mode === undefined ? {} : { mode }),
      // the offset of the text within the quotes
      ...(guard === undefined ? {} : { guard: { at: child(place, 'guard').at + 1, text: guard } }),
    };
  }

  private branch(branch: BranchDocument, place: Place): BranchSyntax {
    const { task, tasks, statements } = branch;
    this.exactlyOne(branch, ['task', 'tasks', 'statements'], place);
    const run: BranchSyntax['run'] =
      tasks !== undefined
        ? {
            kind: 'list',
            at: place.at,
            tasks: tasks.map((each, index) => this.call(each, child(child(place, 'tasks'), index))),
          }
        : statements !== undefined
          ? {
              kind: 'subflow',
              at: place.at,
              statements: this.statements(statements, child(place, 'statements')),
              ...this.data({ with: branch.with }, place),
            }
          : this.call({ ...branch, task: task ?? '_' }, place);
    return { at: place.at, run, ...(branch.catch && { catch: this.branch(branch.catch, child(place, 'catch')) }) };
  }

  private call(call: CallDocument, place: Place): TaskCall {
    return {
      kind: 'task',
      at: place.at,
      name: this.taskName(call.task, child(place, 'task')),
      ...this.data(call, place),
    };
  }

  private data(
    { parameters, with: policy }: { readonly parameters?: unknown; readonly with?: unknown },
    place: Place,
  ): { readonly parameters?: WrittenValue; readonly policy?: WrittenValue } {
    return {
      ...(parameters === undefined ? {} : { parameters: { value: parameters, place: child(place, 'parameters') } }),
      ...(policy === undefined ? {} : { policy: { value: policy, place: child(place, 'with') } }),
    };
  }

  private label(name: string, place: Place): LabelSyntax {
    return { kind: 'label', at: place.at, name: this.name(name, place) };
  }

  private taskName(name: string, place: Place): string {
    if (reservedWords.has(name)) {
      const message = `"${name}" is a word of the language, and no name of a task`;
      this.problems.add({ code: 'name-invalid', at: place.at, message });
    }
    return this.name(name, place);
  }

  private name(name: string, { at }: Place): string {
    if (!nameRule.test(name)) {
      const message = `"${name}" is no name: a letter or _, then letters, digits, _, - and :`;
      this.problems.add({ code: 'name-invalid', at, message });
    }
    return name;
  }

  private exactlyOne(part: object, keys: readonly string[], { at }: Place): void {
    const found = keys.filter((key) => Object.hasOwn(part, key));
    if (found.length === 1) return;
    const got = found.length === 0 ? 'none' : found.join(' and ');
    this.problems.add({ code: 'shape', at, message: `needs exactly one of ${keys.join(', ')}, got ${got}` });
  }
}

function child({ at, key, children }: Place, step: string | number): Place {
  return children?.get(step) ?? { at, key };
}
