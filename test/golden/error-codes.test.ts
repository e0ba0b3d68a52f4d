import { readFileSync } from 'node:fs';
import path from 'node:path';
import { errorCodes } from '../../lib/errors';
import { requestCodes } from '../../runtime/api-contract/problem';

const page = readFileSync(path.join(__dirname, '../../docs/errors.md'), 'utf8');
const source = readFileSync(path.join(__dirname, '../../lib/errors.ts'), 'utf8');

/** One row of a table of docs/errors.md. */
interface Row {
  readonly code: string;
  readonly meaning: string;
  readonly status: string;
  readonly retried: string;
  readonly advice: string;
}

const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$/gm)].map(
  ([, code = '', meaning = '', status = '', retried = '', advice = '']): Row => ({
    code,
    meaning,
    status,
    retried,
    advice,
  }),
);

test('docs/errors.md has one row for each code, and no other row', () => {
  expect(rows.map(({ code }) => code)).toEqual([...Object.keys(errorCodes), ...requestCodes]);
});

test.each(Object.entries(errorCodes))(
  'the row of `%s` states the HTTP status and whether the error is retried',
  (code, traits) => {
    const row = rows.find((each) => each.code === code);
    expect([row?.status, row?.retried]).toEqual([String(traits.httpStatus), 'isTransient' in traits ? 'yes' : 'no']);
  },
);

test.each(rows)('the row of `$code` has the meaning and the advice in complete sentences', ({ meaning, advice }) => {
  expect(meaning).toMatch(/^[A-Z].{10,}\.$/);
  expect(advice).toMatch(/^[A-Z`].{4,}\.$/);
});

test.each(Object.keys(errorCodes))('`%s` has a doc comment in lib/errors.ts', (code) => {
  const entry = source
    .split('\n')
    .findIndex((line) => line.startsWith(`  ${code}:`) || line.startsWith(`  '${code}':`));
  expect(source.split('\n')[entry - 1]).toMatch(/^ {2}\/\*\* [A-Z].*\. \*\/$/);
});
