import type { WriteStream } from 'node:tty';
import type { FunctionCounts } from './flow-progress';

/** Time between two lines of a function where no terminal redraws them. */
const plainEveryMs = 2_000;

type Draw = { (text: string): void; clear(): void; done(): void };

/**
 * What a person sees of a running flow: on a terminal a line for each function that is redrawn in place, elsewhere a plain
 * line now and then for each function that moved. Other lines pass through above.
 */
export class ProgressView {
  private draw: Draw | undefined;
  private shown = '';
  private readonly said = new Map<string, string>();
  private saidAt = 0;
  private previous: { readonly atMs: number; readonly moved: ReadonlyMap<string, number> } | undefined;

  private constructor(private readonly stream: WriteStream) {}

  static async open(stream: WriteStream): Promise<ProgressView> {
    const view = new ProgressView(stream);
    // an ES module, so it comes by import(); plain output does without it
    if (stream.isTTY) view.draw = (await import('log-update')).createLogUpdate(stream);
    return view;
  }

  /** A line that stays. */
  say(line: string): void {
    this.draw?.clear();
    this.stream.write(`${line}\n`);
    if (this.shown !== '') this.draw?.(this.shown);
  }

  show(functions: readonly FunctionCounts[], nowMs: number): void {
    const rates = this.rates(functions, nowMs);
    if (this.draw !== undefined) {
      this.shown = functions.map((fn) => renderLine(fn, rates.get(fn.function) ?? 0, widthOf(functions))).join('\n');
      this.draw(this.shown);
      return;
    }
    if (nowMs - this.saidAt < plainEveryMs) return;
    this.saidAt = nowMs;
    for (const fn of functions) {
      const line = renderLine(fn, rates.get(fn.function) ?? 0, widthOf(functions));
      const what = JSON.stringify([fn.in, fn.out, fn.failed, fn.dead, fn.restarts, fn.phases]);
      if (this.said.get(fn.function) !== what) this.stream.write(`${line}\n`);
      this.said.set(fn.function, what);
    }
  }

  /** Shows the last state, and redraws nothing after it. */
  end(functions: readonly FunctionCounts[] = []): void {
    this.saidAt = 0;
    if (functions.length > 0) this.show(functions, Date.now());
    this.draw?.done();
    this.draw = undefined;
    this.shown = '';
  }

  /** Records a second since the last show; what a function takes in, or a source gives. */
  private rates(functions: readonly FunctionCounts[], nowMs: number): Map<string, number> {
    const { previous } = this;
    const moved = new Map(functions.map((fn) => [fn.function, fn.in ?? fn.out ?? 0]));
    const rates = new Map<string, number>();
    if (previous !== undefined && nowMs > previous.atMs) {
      for (const [name, count] of moved) {
        rates.set(name, Math.max(0, ((count - (previous.moved.get(name) ?? 0)) * 1_000) / (nowMs - previous.atMs)));
      }
    }
    this.previous = { atMs: nowMs, moved };
    return rates;
  }
}

function widthOf(functions: readonly FunctionCounts[]): number {
  return Math.max(...functions.map((fn) => fn.function.length));
}

function renderLine(fn: FunctionCounts, rate: number, width: number): string {
  const parts = [
    fn.function.padEnd(width),
    `in ${numeral(fn.in).padStart(9)}`,
    `out ${numeral(fn.out).padStart(9)}`,
    `failed ${numeral(fn.failed).padStart(3)}`,
    `${numeral(Math.round(rate)).padStart(8)}/s`,
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
  if (fn.dead > 0) parts.push(`${numeral(fn.dead)} given up`);
  if (fn.restarts > 0) parts.push(`${fn.restarts} restarts`);
  return parts.join(', ');
}

/** A count with thousands separated; a dash where there is none. */
export function numeral(value: number | undefined): string {
  return value === undefined ? '-' : value.toLocaleString('en-US');
}
