import Table from 'cli-table3';
import type { FunctionCounts } from './flow-progress';
import { numeral } from './progress-view';

const heads = ['function', 'type', 'replicas', 'in', 'out', 'failed tries', 'given up', 'restarts'];

/** Columns with two spaces between them: no frame, so the table fits 80 columns. */
const edges = ['top', 'bottom', 'left', 'right'].flatMap((edge) => [
  edge,
  `${edge}-mid`,
  `${edge}-left`,
  `${edge}-right`,
]);
const noFrame = Object.fromEntries([...edges, 'mid', 'mid-mid'].map((name) => [name, '']));

/** The table of what each function did. */
export function renderSummary(functions: readonly FunctionCounts[]): string {
  const table = new Table({
    head: heads,
    colAligns: heads.map((_, index) => (index < 2 ? 'left' : 'right')),
    chars: { ...noFrame, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const fn of functions) {
    const numbers = [fn.replicas, fn.in, fn.out, fn.failed, fn.dead, fn.restarts].map(numeral);
    table.push([fn.function, fn.type, ...numbers]);
  }
  return `\n${table.toString()}\n`;
}
