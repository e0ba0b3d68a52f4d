import { formatTaskFlow } from '../format/format-task-flow';
import type {
  BranchDocument,
  CallDocument,
  DestinationDocument,
  SourceDocument,
  StatementDocument,
  StepDocument,
  TaskFlowDocument,
} from './task-flow-document';

/** The text of a JSON form, in the canonical layout. */
export function renderText({ flow, tasks = {}, statements, finally: last }: TaskFlowDocument): string {
  const lines = [
    ...(flow === undefined ? [] : [`@flow ${flow.name}${data(flow)}${doc(flow.doc)}`]),
    ...Object.entries(tasks).map(([name, task]) => {
      const base = task.base === undefined ? '' : ` = ${task.base}`;
      const inner = task.statements === undefined ? '' : ` ${block(task.statements)}`;
      return `@task ${name}${base}${data(task)}${doc(task.doc)}${inner}`;
    }),
    ...statements.map(statementText),
    ...(last === undefined ? [] : [`@finally ${branchText(last)}`]),
  ];
  return formatTaskFlow(lines.map((line) => `${line};`).join('\n'));
}

function statementText({ from, steps, to }: StatementDocument): string {
  const parts = [
    ...(from === undefined ? [] : [sourceText(from)]),
    ...steps.map(stepText),
    ...(to === undefined ? [] : [destinationText(to)]),
  ];
  return parts.join(' → ');
}

function sourceText(source: SourceDocument): string {
  if ('label' in source) return `:${source.label}`;
  if ('labels' in source) return source.labels.map((label) => `:${label}`).join(' ');
  if ('load' in source) return `<${source.load}>${data(source)}`;
  const { constant } = source;
  return typeof constant === 'object' && constant !== null
    ? `<${JSON.stringify(constant)}>`
    : `<- ${JSON.stringify(constant)} ->`;
}

function destinationText(destination: DestinationDocument): string {
  if ('store' in destination) return `<${destination.store}>${data(destination)}`;
  return `${destination.merge === true ? '> ' : ''}:${destination.label}`;
}

function stepText(step: StepDocument): string {
  const { input, output, mode, guard } = step;
  return [
    input === undefined ? '' : `:${input} `,
    mode === 'map' ? '* ' : mode === 'merge' ? '> ' : '',
    guard === undefined ? '' : `? \`${guard}\` `,
    branchText(step),
    output === undefined ? '' : ` :${output}`,
  ].join('');
}

function branchText({ tasks, statements, catch: caught, ...call }: BranchDocument): string {
  const run =
    tasks !== undefined
      ? tasks.map(callText).join('|')
      : statements !== undefined
        ? block(statements) + data({ with: call.with })
        : callText({ ...call, task: call.task ?? '' });
  return caught === undefined ? run : `${run} catch ${branchText(caught)}`;
}

function callText(call: CallDocument): string {
  return `${call.task}${data(call)}`;
}

function block(statements: readonly StatementDocument[]): string {
  return `{ ${statements.map((statement) => `${statementText(statement)};`).join(' ')} }`;
}

function data({ parameters, with: policy }: { readonly parameters?: unknown; readonly with?: unknown }): string {
  const own = parameters === undefined ? '' : inMarks(parameters);
  return policy === undefined ? own : `${own} with ${inMarks(policy)}`;
}

function inMarks(value: unknown): string {
  return typeof value === 'object' && value !== null ? `(${JSON.stringify(value)})` : `(- ${JSON.stringify(value)} -)`;
}

function doc(text: string | undefined): string {
  if (text === undefined) return '';
  const mark = text.includes("'''") ? '"""' : "'''";
  return ` ${mark}${text}${mark}`;
}
