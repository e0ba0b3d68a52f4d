import { flowName } from '../../api-contract/flow-key';
import type { FlowStatus, FunctionStatus } from '../../api-contract/flow-status';
import { shortCount } from './short-count';

/** Time between two lines of the same function. */
const countsEveryMs = 2_000;

/** Statuses as lines for a file or a pipe: one for each thing that is other than when it was last told. */
export class StatusLines {
  private readonly said = new Map<string, string>();
  private countsAt = Number.NEGATIVE_INFINITY;

  /** Lines of the flow's state, and with `counts` of its functions; none when nothing has changed. */
  of(status: FlowStatus, { nowMs, counts }: { readonly nowMs: number; readonly counts: boolean }): readonly string[] {
    const name = flowName(status);
    const { state, problems } = status.health;
    const told = problems.map(
      ({ function: fn, replica, reason, message }) =>
        `; ${[fn, replica].filter((part) => part !== undefined).join('/') || 'flow'} ${reason} ${message}`,
    );
    const reason = status.reason === undefined ? '' : `; ${status.reason}`;
    const lines = this.changed(
      name,
      `${name}  ${status.status}  ${state}  revision ${status.revision}${reason}${told.join('')}`,
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
    if (this.said.get(key) === line) return [];
    this.said.set(key, line);
    return [line];
  }
}

function countsLine(name: string, fn: FunctionStatus): string {
  const ready = fn.isDone ? 'done' : fn.isPaused ? 'paused' : `${fn.ready}/${fn.replicas} ready`;
  const counts = { in: fn.in, out: fn.out, pending: fn.pending, held: fn.held, dead: fn.dead };
  const told = Object.entries(counts).map(([head, count]) => `${head} ${shortCount(count)}`);
  return [name, fn.function, ready, ...told].join('  ');
}
