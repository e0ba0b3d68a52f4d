import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type FlowPhase, flowPhases, isClosedPhase } from '../../runtime/api-contract/flow-phase';

const page = readFileSync(path.join(__dirname, '../../docs/flows.md'), 'utf8');
const phases = Object.keys(flowPhases) as FlowPhase[];

/** The cells of each row of the table whose head starts with this cell, without the head. */
function tableOf(head: string): { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] } {
  const lines = page.slice(page.indexOf(`| ${head} |`)).split('\n');
  const table = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith('|')),
  );
  const cells = table.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return { head: cells[0] ?? [], rows: cells.slice(2) };
}

test('the table of phases in docs/flows.md has one row per phase, and says which phases are open', () => {
  const rows = tableOf('status').rows.map(([phase, , workflow]) => [phase, workflow === 'open']);
  expect(rows).toEqual(phases.map((phase) => [`\`${phase}\``, !isClosedPhase(phase)]));
});

test('the table of requests in docs/flows.md has one column per phase', () => {
  const columns = tableOf('request')
    .head.slice(1)
    .flatMap((cell) => cell.split(', '));
  expect(columns.toSorted()).toEqual(phases.toSorted());
});
