import { readFixtures, readText } from './topology-fixtures';

/** The problems that the comments of a document announce: `# expect: 3:7 shape`, or `… warning`. */
function expected(text: string): readonly string[] {
  return [...text.matchAll(/^# expect: (.+)$/gm)].map(([, problem]) => problem ?? '');
}

describe('broken documents', () => {
  const fixtures = readFixtures('broken');

  test('cover more than 20 cases', () => {
    expect(fixtures.length).toBeGreaterThan(20);
  });

  test.each(fixtures)('$file has exactly the problems that its comments announce', ({ file, text }) => {
    const { problems, topology } = readText(text, file);
    const got = problems.map(({ line, col, code, severity }) =>
      [`${line}:${col}`, code, ...(severity === 'warning' ? [severity] : [])].join(' '),
    );
    expect(got).toEqual(expected(text));
    expect(topology === undefined).toBe(problems.some(({ severity }) => severity === 'error'));
  });
});
