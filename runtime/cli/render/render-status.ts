import { flowName } from '../../api-contract/flow-key';
import type { FlowStatus, FunctionStatus } from '../../api-contract/flow-status';
import { age } from './age';
import { healthCell, renderProblem, statusCell } from './flow-styles';
import { shortCount } from './short-count';
import { type Cell, type Column, type Medium, painted, renderTable } from './table';
import { wrapped } from './wrapped';

export interface StatusView {
  readonly nowMs: number;
  readonly medium: Medium;
  /** Records a second by function; a column of the table when they are there. */
  readonly rates?: ReadonlyMap<string, number>;
}

/** One flow: what it is, its functions, and what is wrong with it. */
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
  ].join('\n');
  const functions = status.functions.length === 0 ? '' : renderTable(status.functions, functionColumns(view), medium);
  const problems = status.health.problems.map((problem) => renderProblem(problem, view)).join('');
  return [`${head}\n`, functions, problems].filter((part) => part !== '').join('\n');
}

function fittingReason(reason: string, { width = Number.POSITIVE_INFINITY }: Medium): string {
  return reason.length <= width ? reason : wrapped(reason, width).trimEnd();
}

function functionColumns({ rates }: StatusView): readonly Column<FunctionStatus>[] {
  const count = (head: string, of: (fn: FunctionStatus) => number | undefined, style?: Cell['style']) => ({
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

/** Many flows, a line for each; records held count as pending. */
export function renderStatusList(flows: readonly FlowStatus[], { nowMs, medium }: StatusView): string {
  return renderTable(flows, flowColumns(nowMs), medium);
}

function sum({ functions }: FlowStatus, of: (fn: FunctionStatus) => number): number {
  return functions.reduce((total, fn) => total + of(fn), 0);
}
