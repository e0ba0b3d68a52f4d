import { type Column, renderTable } from '../../../../runtime/cli/render/table';
import { displayWidth, truncated, wrapped } from '../../../../runtime/cli/render/text';

interface Row {
  readonly name: string;
  readonly count: number;
  readonly note: string;
}

const rows: readonly Row[] = [
  { name: 'map', count: 3, note: 'für später' },
  { name: '変換', count: 1_200, note: 'done ✅ today' },
];
const columns: readonly Column<Row>[] = [
  { head: 'NAME', cell: ({ name }) => name },
  { head: 'COUNT', align: 'right', cell: ({ count }) => String(count), dispensable: 1 },
  { head: 'NOTE', cell: ({ note }) => note, isTruncated: true },
];

test('aligns columns by the width on a terminal, of wide characters too', () => {
  expect(renderTable(rows, columns)).toBe('NAME  COUNT  NOTE\nmap       3  für später\n変換   1200  done ✅ today\n');
});

test('leaves out a dispensable column, then truncates, to fit a narrow terminal', () => {
  expect(renderTable(rows, columns, { width: 24 })).toBe('NAME  NOTE\nmap   für später\n変換  done ✅ today\n');
  expect(renderTable(rows, columns, { width: 14 })).toBe('NAME  NOTE\nmap   für spä…\n変換  done ✅…\n');
});

test.each([
  ['abc', 3],
  ['é', 1],
  ['e\u0301', 1],
  ['数据', 4],
  ['👍🏽', 2],
  ['👨‍👩‍👧', 2],
  ['한글', 4],
  ['…', 1],
])('%s takes %p columns', (text, width) => {
  expect(displayWidth(text)).toBe(width);
});

test('truncates between characters, and wraps between words', () => {
  expect(truncated('数据流', 4)).toBe('数…');
  expect(truncated('数据', 4)).toBe('数据');
  expect(wrapped('one two three', 12)).toBe('    one two\n    three\n');
});
