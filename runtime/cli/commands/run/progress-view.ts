import type { createLog } from '../../../log';
import { counted, fullCount, Rates } from '../../render/measures';
import { type Column, renderTable } from '../../render/table';
import { LiveView } from '../../terminal/live-view';
import { mediumOf } from '../../terminal/output';
import type { FunctionCounts } from './flow-progress';

/** Interval between two lines of a function without a terminal. */
const plainEveryMs = 2_000;

/** Writes lines of JSON. */
export type RunLog = ReturnType<typeof createLog>;

/**
 * The progress of a running flow: on a terminal a table, redrawn in place below all other lines; otherwise a line every
 * two seconds for each function whose counts have changed. With a log, every line is one of the log.
 */
export class ProgressView {
  private readonly rates = new Rates();
  private readonly written = new Map<string, string>();
  /** The last said reason why a function waits. */
  private readonly waits = new Map<string, string>();
  private writtenAt = 0;

  private constructor(
    private readonly stream: NodeJS.WriteStream,
    private live: LiveView | undefined,
    private readonly log: RunLog | undefined,
  ) {}

  static async open(stream: NodeJS.WriteStream, log?: RunLog): Promise<ProgressView> {
    return new ProgressView(stream, log === undefined ? await LiveView.open(stream) : undefined, log);
  }

  /** Writes a permanent line. */
  say(line: string): void {
    if (this.log !== undefined) this.log('INFO', line);
    else if (this.live === undefined) this.stream.write(`${line}\n`);
    else this.live.say(line);
  }

  show(functions: readonly FunctionCounts[], nowMs: number): void {
    for (const { function: id, waiting } of functions) {
      if (waiting !== undefined && this.waits.get(id) !== waiting) this.say(`${id} waits and retries: ${waiting}`);
      if (waiting !== undefined) this.waits.set(id, waiting);
    }
    const rates = this.rates.take(functions, nowMs);
    if (this.live !== undefined) {
      this.live.show(() => renderTable(functions, progressColumns(rates), mediumOf(this.stream)));
      return;
    }
    if (nowMs - this.writtenAt < plainEveryMs) return;
    this.writtenAt = nowMs;
    for (const fn of functions) {
      const key = JSON.stringify([fn.in, fn.out, fn.failed, fn.dead, fn.restarts, fn.phases]);
      if (this.written.get(fn.function) !== key) this.writeProgress(fn, rates, widthOf(functions));
      this.written.set(fn.function, key);
    }
  }

  private writeProgress(fn: FunctionCounts, rates: ReadonlyMap<string, number>, width: number): void {
    if (this.log === undefined) this.stream.write(`${renderLine(fn, rates, width)}\n`);
    else this.log('INFO', 'progress', countsOf(fn));
  }

  /** Shows the last counts and stops redrawing. */
  end(functions: readonly FunctionCounts[] = []): void {
    this.writtenAt = 0;
    if (functions.length > 0) this.show(functions, Date.now());
    this.live?.close();
    this.live = undefined;
  }
}

/** The counts of a function, as fields of a line of the log. */
export function countsOf({ function: id, in: taken, out, failed, dead, restarts, pending }: FunctionCounts): object {
  return { function: id, in: taken, out, failed, dead, restarts, pending };
}

/** The table of a run that has ended. */
export function renderSummary(functions: readonly FunctionCounts[]): string {
  const columns: readonly Column<FunctionCounts>[] = [
    { head: 'FUNCTION', cell: (fn) => fn.function },
    { head: 'TYPE', cell: (fn) => fn.type },
    count('REPLICAS', (fn) => fn.replicas),
    count('IN', (fn) => fn.in),
    count('OUT', (fn) => fn.out),
    count('FAILED', (fn) => fn.failed),
    count('DEAD', (fn) => fn.dead),
    count('RESTARTS', (fn) => fn.restarts),
  ];
  return `\n${renderTable(functions, columns, mediumOf(process.stdout))}`;
}

function progressColumns(rates: ReadonlyMap<string, number>): readonly Column<FunctionCounts>[] {
  return [
    { head: 'FUNCTION', cell: (fn) => fn.function },
    count('IN', (fn) => fn.in),
    count('OUT', (fn) => fn.out),
    count('FAILED', (fn) => fn.failed),
    count('PER S', (fn) => Math.round(rates.get(fn.function) ?? 0)),
    { head: 'STATE', cell: stateOf, isTruncated: true },
  ];
}

function count(head: string, of: (fn: FunctionCounts) => number | undefined): Column<FunctionCounts> {
  return { head, align: 'right', cell: (fn) => fullCount(of(fn)) };
}

function widthOf(functions: readonly FunctionCounts[]): number {
  return Math.max(...functions.map((fn) => fn.function.length));
}

function renderLine(fn: FunctionCounts, rates: ReadonlyMap<string, number>, width: number): string {
  const parts = [
    fn.function.padEnd(width),
    `in ${fullCount(fn.in).padStart(9)}`,
    `out ${fullCount(fn.out).padStart(9)}`,
    `failed ${fullCount(fn.failed).padStart(3)}`,
    `${fullCount(Math.round(rates.get(fn.function) ?? 0)).padStart(8)}/s`,
    stateOf(fn),
  ];
  return parts.join('  ').trimEnd();
}

function stateOf(fn: FunctionCounts): string {
  const failed = fn.phases.filter((phase) => phase === 'failed').length;
  const waiting = fn.phases.filter((phase) => phase === 'backing-off').length;
  const parts = [];
  if (failed > 0) parts.push('failed');
  else if (fn.phases.length > 0 && fn.phases.every((phase) => phase === 'succeeded')) parts.push('done');
  if (waiting > 0) parts.push(`${waiting} of ${fn.replicas} restarting`);
  if (fn.dead > 0) parts.push(counted(fn.dead, 'dead letter'));
  if (fn.restarts > 0) parts.push(counted(fn.restarts, 'restart'));
  return parts.join(', ');
}
