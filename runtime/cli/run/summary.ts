import Table from 'cli-table3';
import type { FunctionProgress } from './flow-progress';
import { numeral } from './progress-view';

const heads = ['function', 'type', 'replicas', 'in', 'out', 'failed tries', 'given up', 'restarts'];

/** The table of what each function did. */
export function renderSummary(functions: readonly FunctionProgress[]): string {
  const table = new Table({
    head: heads,
    colAligns: heads.map((_, index) => (index < 2 ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  });
  for (const fn of functions) {
    const numbers = [fn.replicas, fn.in, fn.out, fn.failed, fn.dead, fn.restarts].map(numeral);
    table.push([fn.function, fn.type, ...numbers]);
  }
  return `${table.toString()}\n`;
}
