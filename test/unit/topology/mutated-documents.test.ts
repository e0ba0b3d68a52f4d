import { formatProblem, type Problem } from '../../../lib/topology/problem/problem';
import { cpuTimeMs, readFixtures, readText } from './topology-fixtures';

/** A seeded random number generator (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const values = [
  '',
  'null',
  '[]',
  '{}',
  '- x',
  '*a',
  '&a',
  '"',
  '0',
  '-1',
  'true',
  '|',
  '[1, {a: b}]',
  '{',
  '\t',
  '!!x',
  '🙂',
];

function mutated(text: string, random: () => number): string {
  const lines = text.split('\n');
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const at = (): number => Math.floor(random() * lines.length);
  for (let change = 0; change <= random() * 4; change += 1) {
    const line = at();
    const written = lines[line] ?? '';
    const mutations: readonly (() => void)[] = [
      () => lines.splice(line, 1),
      () => lines.splice(line, 0, written),
      () => lines.splice(line, 1, lines[at()] ?? ''),
      () => lines.splice(line, 1, written.replace(/:.*$/, `: ${pick(values)}`)),
      () => lines.splice(line, 1, written.replace(/- .*$/, `- ${pick(values)}`)),
      () => lines.splice(line, 1, `${' '.repeat(Math.floor(random() * 8))}${written.trim()}`),
      () => lines.splice(line, 1, written.slice(0, Math.floor(random() * written.length))),
      () => lines.splice(line, Math.floor(random() * 10)),
      () => lines.splice(at(), 0, ...lines.slice(line, line + Math.floor(random() * 10))),
      () =>
        lines.splice(
          line,
          1,
          written.replace(/[\w-]+/, (word) => [...word].reverse().join('')),
        ),
    ];
    pick(mutations)();
  }
  return lines.join('\n');
}

describe('documents with random changes', () => {
  test('are read quickly and without an exception, and every problem has a position and a readable message', () => {
    const random = seeded(20_250_214);
    const fixtures = [...readFixtures('topologies'), ...readFixtures('broken')];
    let slowestMs = 0;
    const wrong: string[] = [];
    for (let run = 0; run < 2000; run += 1) {
      const { text, file } = fixtures[run % fixtures.length] ?? { text: '', file: '' };
      const document = mutated(text, random);
      const start = cpuTimeMs();
      const { topology, problems } = readText(document, file);
      slowestMs = Math.max(slowestMs, cpuTimeMs() - start);
      const lines = document.split('\n').length;
      wrong.push(...problems.filter((problem) => !isReadable(problem, lines)).map(formatProblem));
      const hasErrors = problems.some(({ severity }) => severity === 'error');
      if ((topology === undefined) !== hasErrors)
        wrong.push(`run ${run}: a topology despite errors, or no topology without errors`);
    }
    expect(wrong).toEqual([]);
    expect(slowestMs).toBeLessThan(2_000);
  });
});

function isReadable({ line, col, message }: Problem, lines: number): boolean {
  const isInText = line >= 1 && line <= lines + 1 && col >= 1;
  return isInText && !/undefined|\[object|Invalid input|expected string, received/.test(message);
}
