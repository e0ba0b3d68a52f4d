import { flowName } from '../../api-contract/flow-key';
import { flowPhases } from '../../api-contract/flow-phase';
import type { FlowStatus, FunctionStatus } from '../../api-contract/flow-status';
import { counted, shortCount } from './measures';

/** Interval between two lines of the same function. */
const countsEveryMs = 2_000;

/** Statuses as lines for a file or a pipe: one line for each part that has changed. */
export class StatusLines {
  private readonly written = new Map<string, string>();
  private countsAt = Number.NEGATIVE_INFINITY;

  /** Lines of the flow's state and, with `counts`, of its functions; none when nothing has changed. */
  of(status: FlowStatus, { nowMs, counts }: { readonly nowMs: number; readonly counts: boolean }): readonly string[] {
    const name = flowName(status);
    const { state, problems } = status.health;
    const details = problems.map(
      ({ function: fn, replica, reason, message }) =>
        `; ${[fn, replica].filter((part) => part !== undefined).join('/') || 'flow'} ${reason} ${message}`,
    );
    const reason = status.reason === undefined ? '' : `; ${status.reason}`;
    const lines = this.changed(
      name,
      `${name}  ${status.status}  ${state}  revision ${status.revision}${reason}${details.join('')}`,
    );
    const isDue = counts && (nowMs - this.countsAt >= countsEveryMs || status.closeTime !== null);
    if (!isDue) return lines;
    this.countsAt = nowMs;
    return [
      ...lines,
      ...status.functions.flatMap((fn) => this.changed(`${name} ${fn.function}`, countsLine(name, fn))),
    ];
  }

  private changed(key: string, line: string): readonly string[] {
    if (this.written.get(key) === line) return [];
    this.written.set(key, line);
    return [line];
  }
}

function countsLine(name: string, fn: FunctionStatus): string {
  const ready = fn.isDone ? 'done' : fn.isPaused ? 'paused' : `${fn.ready}/${fn.replicas} ready`;
  const counts = { in: fn.in, out: fn.out, pending: fn.pending, held: fn.held, dead: fn.dead };
  const parts = Object.entries(counts).map(([head, count]) => `${head} ${shortCount(count)}`);
  return [name, fn.function, ready, ...parts].join('  ');
}

/** The state of a flow on one line, with its problems or its reason, and the functions that are not ready. */
export function describeStatus({ status, health, reason, functions }: FlowStatus): string {
  const [problem, ...others] = health.problems.filter(({ reason: why }) => why !== 'DeadLetters');
  const hasProblem = (id: string) => health.problems.some((each) => each.function === id);
  const unready = functions.filter(
    (fn) => fn.ready < fn.replicas && !fn.isPaused && !fn.isDone && !hasProblem(fn.function),
  );
  const holding = functions.filter((fn) => fn.held > 0);
  const { replicas } = flowPhases[status];
  const parts = [
    replicas === 'running' ? `${status}, ${health.state}` : status,
    problem === undefined ? reason : undefined,
    ...(replicas === 'running' ? unready.map((fn) => `${fn.function} ${fn.ready} of ${fn.replicas} ready`) : []),
    ...(replicas === 'ending' ? holding.map((fn) => `${fn.function} holds ${counted(fn.held, 'record')}`) : []),
    problem && `${problem.function ?? 'flow'}: ${problem.reason} (${problem.message})`,
    others.length > 0 ? `and ${others.length} more` : undefined,
  ];
  return parts.filter((part) => part !== undefined).join('; ');
}

/** A suggestion for the next command on a flow, on one line. */
export function nextStep(status: FlowStatus): string {
  const name = flowName(status);
  switch (status.status) {
    case 'Running':
      return status.health.state === 'unhealthy' || status.health.state === 'degraded'
        ? `see the logs of its functions: kflow logs ${name}`
        : `watch the flow: kflow status ${name} --watch`;
    case 'Pausing':
    case 'Stopping':
      return `the flow is finishing its records in flight; watch it: kflow status ${name} --watch`;
    case 'Paused':
      return `resume the flow: kflow resume ${name}`;
    case 'Stopped':
      return `start the flow again with kflow submit FILE, or remove its data with kflow delete --force ${name}`;
    case 'Failed':
      return `see what happened: kflow events ${name}; kflow submit FILE runs the functions that did not succeed again`;
    case 'Completed':
      return status.functions.some(({ dead }) => dead > 0)
        ? `see its dead letters: kflow dlq ${name}`
        : 'run the flow again: kflow submit FILE';
    case 'Canceled':
    case 'Terminated':
      return 'start the flow anew: kflow submit FILE';
  }
}
