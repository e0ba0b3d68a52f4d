import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Case, CaseRun } from './case-run';

const file = path.join(__dirname, '../../fixtures/operations/cases.json');
const cases: readonly Case[] = JSON.parse(readFileSync(file, 'utf8'));

const uuidForm = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

test.each(cases.map((each) => [each.name, each] as const))('%s', async (_, each) => {
  const run = new CaseRun(each);
  await run.run();
  const {
    results = [],
    logs = [],
    raw,
    events,
    data,
    inputs = {},
    metrics = {},
    ...exact
  } = each.expect as {
    readonly results?: readonly ExpectedResult[];
    readonly logs?: readonly string[];
    readonly raw?: readonly string[];
    readonly events?: readonly object[];
    readonly data?: object;
    readonly inputs?: object;
    readonly metrics?: object;
  };
  for (const [at, expected] of results.entries()) checkResult(run, at, expected);
  const uuid = run.results[0]?.uuid ?? '';
  expect(
    inOrder(
      run.logs,
      logs.map((line) => line.replace('$uuid', uuid)),
    ),
  ).toEqual([]);
  if (raw !== undefined) expect(run.raw.slice(0, raw.length)).toEqual(raw);
  if (events !== undefined) expect(run.events).toMatchObject(events);
  if (data !== undefined) expect(run.data).toMatchObject(data);
  expect({ inputs: run.inputs, metrics: run.metrics }).toMatchObject({ inputs, metrics });
  for (const [name, expected] of Object.entries(exact)) {
    expect([name, run[name as keyof CaseRun]]).toEqual([name, expected]);
  }
});

interface ExpectedResult {
  readonly says?: string;
  readonly error?: object;
  readonly hasStack?: boolean;
  readonly isNewUuid?: boolean;
}

function checkResult(run: CaseRun, at: number, expected: ExpectedResult): void {
  const { says, error, hasStack, isNewUuid, ...fields } = expected;
  const result = run.results[at];
  expect(result).toMatchObject(fields);
  if (says !== undefined) expect(result?.stderr).toContain(says);
  if (error !== undefined) expect(result?.retval.error).toMatchObject(error);
  if (hasStack) expect(result?.retval.error).toMatchObject({ stack: expect.stringMatching(/\n/) });
  if (isNewUuid) expect(result?.uuid).toMatch(uuidForm);
}

/** The lines that are missing, or not in this order. A line may go on. */
function inOrder(lines: readonly string[], wanted: readonly string[]): readonly string[] {
  const left = [...wanted];
  for (const line of lines) if (left[0] !== undefined && line.startsWith(left[0])) left.shift();
  return left;
}
