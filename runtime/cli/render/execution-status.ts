import { executionName } from '../../api-contract/execution-key';
import type { ExecutionDetail, ExecutionStep, ExecutionView } from '../../api-contract/execution-status';
import { age } from './measures';
import { type Cell, type Column, renderTable } from './table';
import { type Medium, painted, type Style } from './text';

export interface ExecutionRendering {
  readonly nowMs: number;
  readonly medium: Medium;
  /** Whether inputs and outputs are shown. */
  readonly hasValues?: boolean;
}

/** The color of a status. */
export function phaseStyle(status: ExecutionView['status']): Style {
  switch (status) {
    case 'Completed':
    case 'Running':
      return 'green';
    case 'Pending':
    case 'Stopping':
      return 'yellow';
    case 'Stopped':
      return 'dim';
    case 'Failed':
      return 'red';
  }
}

/** An execution with its steps, and why each of them waits or has failed. */
export function renderExecution(execution: ExecutionDetail, view: ExecutionRendering): string {
  const { medium, nowMs, hasValues } = view;
  const { status, name, run, startedAt, endedAt, reason, error, steps, omittedSteps = 0 } = execution;
  const times =
    endedAt === null
      ? `running for ${age(startedAt, nowMs)}`
      : `took ${age(startedAt, Date.parse(endedAt))}, ended ${age(endedAt, nowMs)} ago`;
  const attributes = Object.entries(execution.attributes).map((pair) => pair.join('='));
  const head = [
    `${painted(executionName(execution), 'bold', medium)}  ${painted(status, phaseStyle(status), medium)}`,
    [name, `run ${run}`, times, ...attributes].filter((part) => part !== undefined).join(', '),
    ...(reason === undefined ? [] : [reason]),
    ...(error === undefined ? [] : [painted(describeError(error), 'red', medium)]),
  ].join('\n');
  const table = steps.length === 0 ? '' : `\n${renderTable(steps, stepColumns(steps, view), medium)}`;
  const more = omittedSteps === 0 ? '' : `… ${omittedSteps} more\n`;
  return `${head}\n${table}${more}${hasValues === true ? renderValues(execution) : ''}`;
}

/** `step B: code: message`. */
export function describeError({ step, code, message }: NonNullable<ExecutionDetail['error']>): string {
  return `${step === undefined ? '' : `step ${step}: `}${code}: ${message}`;
}

/** Tasks are shown where one has another name than its step. */
function stepColumns(steps: readonly ExecutionStep[], { nowMs }: ExecutionRendering): readonly Column<ExecutionStep>[] {
  const tasks = { head: 'TASK', cell: taskOf, dispensable: 3 };
  return [
    { head: 'STEP', cell: ({ step }) => step },
    { head: 'NAME', cell: ({ name }) => name },
    ...(steps.some((step) => taskOf(step) !== '') ? [tasks] : []),
    { head: 'STATUS', cell: statusCell },
    {
      head: 'ATTEMPTS',
      align: 'right',
      cell: ({ attempts }) => (attempts === 0 ? '-' : String(attempts)),
      dispensable: 2,
    },
    {
      head: 'STARTED',
      align: 'right',
      cell: ({ startedAt }) => (startedAt === undefined ? '-' : startedAt.slice(11, 19)),
      dispensable: 1,
    },
    { head: 'TOOK', align: 'right', cell: (step) => tookOf(step, nowMs) },
    { head: 'WORKER', cell: ({ worker = '-' }) => worker, dispensable: 4 },
    { head: 'NOTE', cell: noteOf, isTruncated: true },
  ];
}

function taskOf({ task = '', name }: ExecutionStep): string {
  return [name, `default:${name}`].includes(task) ? '' : task;
}

const stepStyles: { readonly [status in ExecutionStep['status']]: Style } = {
  waiting: 'dim',
  running: 'yellow',
  succeeded: 'green',
  passed: 'dim',
  skipped: 'dim',
  failed: 'red',
  canceled: 'dim',
};

function statusCell({ status, waits }: ExecutionStep): Cell {
  if (status === 'running' && waits !== undefined) return { text: 'waits', style: 'yellow' };
  return { text: status, style: stepStyles[status] };
}

function tookOf({ startedAt, endedAt }: ExecutionStep, nowMs: number): string {
  return startedAt === undefined ? '-' : age(startedAt, endedAt === undefined ? nowMs : Date.parse(endedAt));
}

/** Why a step waits, why it has failed, or how far it is. */
function noteOf({ waits, error, progress, items }: ExecutionStep): string {
  const notes = [
    waits && `${waits.for}: ${waits.message}${waits.until === undefined ? '' : `, until ${waits.until}`}`,
    error && describeError({ ...error, step: undefined }),
    items && `${items.succeeded} of ${items.total} items${items.failed === 0 ? '' : `, ${items.failed} failed`}`,
    progress === undefined ? undefined : JSON.stringify(progress),
  ];
  return notes.filter((note) => note !== undefined).join('; ');
}

function renderValues({ input, output, steps }: ExecutionDetail): string {
  const value = (name: string, of: unknown) => (of === undefined ? [] : [`${name}  ${JSON.stringify(of)}`]);
  const lines = [
    ...value('input', input),
    ...steps.flatMap(({ step, name, input: given, output: made }) => [
      ...value(`${step} ${name} input`, given),
      ...value(`${step} ${name} output`, made),
    ]),
    ...value('output', output),
  ];
  return `\n${lines.join('\n')}\n`;
}
