import { flowName } from '../../api-contract/flow-key';
import type { FlowStatus, FunctionStatus, HealthProblem } from '../../api-contract/flow-status';
import { age, shortCount } from './measures';
import { type Cell, type Column, renderTable } from './table';
import { displayWidth, type Medium, painted, type Style, wrapped } from './text';

export interface StatusView {
  readonly nowMs: number;
  readonly medium: Medium;
  /** Records per second by function; adds a column to the table. */
  readonly rates?: ReadonlyMap<string, number>;
}

/** One flow: its state, its functions, and its problems. */
export function renderStatus(status: FlowStatus, view: StatusView): string {
  const { nowMs, medium } = view;
  const started = status.since === status.startTime ? '' : `, started ${age(status.startTime, nowMs)} ago`;
  const lasts = age(status.since, nowMs);
  const phase = status.closeTime === null ? `${status.status} for ${lasts}` : `${status.status} ${lasts} ago`;
  const head = [
    [
      painted(flowName(status), 'bold', medium),
      ...[statusCell(status), healthCell(status)].map(({ text, style }) => painted(text, style, medium)),
    ].join('  '),
    `${status.mode === undefined ? '' : `${status.mode}, `}revision ${status.revision}, ${phase}${started}`,
    ...(status.reason === undefined ? [] : [fittingReason(status.reason, medium)]),
    ...(status.devInsOuts.length === 0 ? [] : [`step by step: kflow dev list ${flowName(status)}`]),
  ].join('\n');
  const functions = status.functions.length === 0 ? '' : renderTable(status.functions, functionColumns(view), medium);
  const problems = status.health.problems.map((problem) => renderProblem(problem, view)).join('');
  return [`${head}\n`, functions, problems].filter((part) => part !== '').join('\n');
}

/** Many flows, one line each; held records count as pending. */
export function renderStatusList(flows: readonly FlowStatus[], { nowMs, medium }: StatusView): string {
  return renderTable(flows, flowColumns(nowMs), medium);
}

const statusStyles: { readonly [status in FlowStatus['status']]: Style } = {
  Running: 'green',
  Pausing: 'yellow',
  Paused: 'yellow',
  Stopping: 'yellow',
  Stopped: 'dim',
  Completed: 'green',
  Failed: 'red',
  Canceled: 'dim',
  Terminated: 'dim',
};

const healthStyles: { readonly [state in FlowStatus['health']['state']]: Style } = {
  healthy: 'green',
  starting: 'yellow',
  degraded: 'yellow',
  unhealthy: 'red',
  inactive: 'dim',
};

/** A batch that gave up on records does not look like one without. */
function statusCell({ status, functions }: FlowStatus): Cell {
  const hasLetters = functions.some(({ dead }) => dead > 0);
  return { text: status, style: status === 'Completed' && hasLetters ? 'yellow' : statusStyles[status] };
}

/** Health with the number of problems. */
function healthCell({ health: { state, problems } }: FlowStatus): Cell {
  const text = problems.length === 0 ? state : `${state} (${problems.length})`;
  return { text, style: healthStyles[state] };
}

function fittingReason(reason: string, { width = Number.POSITIVE_INFINITY }: Medium): string {
  return displayWidth(reason) <= width ? reason : wrapped(reason, width).trimEnd();
}

/** `function/replica  reason for 3 min  message`; a message that is too long for the line is indented below. */
function renderProblem(problem: HealthProblem, { nowMs, medium }: StatusView): string {
  const place = [problem.function, problem.replica].filter((part) => part !== undefined).join('/') || 'flow';
  const lasts = `for ${age(problem.since, nowMs)}`;
  const head = `${painted(place, 'bold', medium)}  ${painted(problem.reason, 'red', medium)} ${lasts}`;
  const width = displayWidth(`${place}  ${problem.reason} ${lasts}  ${problem.message}`);
  if (width <= (medium.width ?? Number.POSITIVE_INFINITY)) return `${head}  ${problem.message}\n`;
  return `${head}\n${wrapped(problem.message, medium.width ?? 80)}`;
}

function functionColumns({ rates }: StatusView): readonly Column<FunctionStatus>[] {
  const count = (head: string, of: (fn: FunctionStatus) => number | undefined, style?: Style) => ({
    head,
    align: 'right' as const,
    cell: (fn: FunctionStatus) => ({ text: shortCount(of(fn)), ...(style && of(fn) ? { style } : {}) }),
  });
  return [
    { head: 'FUNCTION', cell: (fn) => fn.function },
    { head: 'TYPE', cell: (fn) => fn.type, dispensable: 2 },
    { head: 'READY', align: 'right', cell: readyCell },
    count('IN', (fn) => fn.in),
    count('OUT', (fn) => fn.out),
    ...(rates === undefined ? [] : [count('PER S', (fn) => rounded(rates.get(fn.function)))]),
    count('PENDING', (fn) => fn.pending),
    count('HELD', (fn) => fn.held),
    count('DEAD', (fn) => fn.dead, 'red'),
    { ...count('RESTARTS', (fn) => fn.restarts, 'yellow'), dispensable: 1 },
  ];
}

function readyCell({ ready, replicas, isPaused, isDone }: FunctionStatus): Cell {
  if (isDone) return { text: 'done', style: 'dim' };
  if (isPaused && ready === 0) return { text: 'paused', style: 'yellow' };
  if (replicas === 0) return { text: '-', style: 'dim' };
  return { text: `${ready}/${replicas}`, ...(ready < replicas ? { style: 'yellow' } : {}) };
}

function rounded(rate: number | undefined): number | undefined {
  return rate === undefined ? undefined : Math.round(rate);
}

const flowColumns = (nowMs: number): readonly Column<FlowStatus>[] => [
  { head: 'FLOW', cell: flowName },
  { head: 'STATUS', cell: statusCell },
  { head: 'HEALTH', cell: healthCell },
  { head: 'MODE', cell: ({ mode = '-' }) => mode, dispensable: 2 },
  { head: 'REVISION', align: 'right', cell: ({ revision }) => String(revision), dispensable: 1 },
  { head: 'PENDING', align: 'right', cell: (flow) => shortCount(sum(flow, (fn) => fn.pending + fn.held)) },
  { head: 'DEAD', align: 'right', cell: (flow) => shortCount(sum(flow, (fn) => fn.dead)) },
  { head: 'AGE', align: 'right', cell: ({ startTime }) => age(startTime, nowMs) },
];

function sum({ functions }: FlowStatus, of: (fn: FunctionStatus) => number): number {
  return functions.reduce((total, fn) => total + of(fn), 0);
}
