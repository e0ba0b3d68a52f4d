import type { FlowStatus, HealthProblem } from '../../api-contract/flow-status';
import { age } from './age';
import { type Cell, type Medium, painted, type Style } from './table';
import { wrapped } from './wrapped';

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

export function statusCell({ status }: FlowStatus): Cell {
  return { text: status, style: statusStyles[status] };
}

/** The state of a flow's health, with the number of its problems. */
export function healthCell({ health: { state, problems } }: FlowStatus): Cell {
  const text = problems.length === 0 ? state : `${state} (${problems.length})`;
  return { text, style: healthStyles[state] };
}

/** `function/replica  reason since 3 min  message`; where that is too long for a line, the message is indented below. */
export function renderProblem(problem: HealthProblem, { nowMs, medium }: { nowMs: number; medium: Medium }): string {
  const place = [problem.function, problem.replica].filter((part) => part !== undefined).join('/') || 'flow';
  const since = `since ${age(problem.since, nowMs)}`;
  const head = `${painted(place, 'bold', medium)}  ${painted(problem.reason, 'red', medium)} ${since}`;
  const plainLength = `${place}  ${problem.reason} ${since}  ${problem.message}`.length;
  if (plainLength <= (medium.width ?? Number.POSITIVE_INFINITY)) return `${head}  ${problem.message}\n`;
  return `${head}\n${wrapped(problem.message, medium.width ?? 80)}`;
}
