import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Setting, settingTable } from '../../runtime/controller/settings/setting-table';

const file = path.join(__dirname, '../../docs/controller.md');
const table = /(?<=\| setting \| what it is \| default \|\n\|---\|---\|---\|\n)(\|.*\n)*/;

function row({ path: setting, oneOf, description, default: fallback }: Setting): string {
  const values = oneOf.map((value) => `\`${value}\``).join(', ');
  const what = [values, description].filter((part) => part !== '').join(': ');
  return `| \`${setting}\` | ${what} | ${fallback === undefined ? '' : `\`${fallback}\``} |\n`;
}

test('docs/controller.md lists the settings of the schema; `npm run golden` rewrites the table', () => {
  const rows = settingTable.map(row).join('');
  const text = readFileSync(file, 'utf8');
  if (process.env.KFLOW_GOLDEN === 'write')
    writeFileSync(
      file,
      text.replace(table, () => rows),
    );
  expect(table.exec(readFileSync(file, 'utf8'))?.[0]).toBe(rows);
});
