import { formatTaskFlow } from '../../../lib/tasks/format/format-task-flow';
import type { TaskGraph } from '../../../lib/tasks/graph/task-graph';
import { Random, seed } from '../../support/random';
import { RandomFlow } from './random-flow';
import { graphOf } from './support';

/** The graph without positions. */
function shapeOf(text: string): unknown {
  const graph: TaskGraph = graphOf(text);
  return { ...graph, nodes: graph.nodes.map(({ at: _, ...node }) => node) };
}

function formatted(text: string): string {
  const result = formatTaskFlow(text);
  expect(formatTaskFlow(result)).toBe(result);
  expect(shapeOf(result)).toEqual(shapeOf(text));
  return result;
}

test.each([
  ['A->B', 'A → B;\n'],
  ['A|B |C->{D;E}', 'A|B|C → { D; E };\n'],
  ['A   :x->B;:x->>C()  :y', 'A :x → B;\n:x → > C() :y;\n'],
  [
    '<-a: 1->->*?`$.x`B   (-  x: 1 -)with({"retry":{"attempts":2}})catch C',
    '<- a: 1 -> → * ? `$.x` B(- x: 1 -) with ({"retry":{"attempts":2}}) catch C;\n',
  ],
  ['<https://a>(- x: 1 -)->A-><https://b>', '<https://a>(- x: 1 -) → A → <https://b>;\n'],
  [
    "@flow x(- a: 1 -)@task X=A(- a: 1 -)with(- optional: skip -)'''doc''' X@finally{F G}",
    "@flow x (- a: 1 -);\n@task X = A (- a: 1 -) with (- optional: skip -) '''doc''';\nX;\n@finally { F; G };\n",
  ],
  [
    '# first\n\n\nA # about A\n# before B\n→ B # about B\n{ # inner\nC }\n# last',
    `# first

A  # about A
  # before B
  → B;  # about B
{
  # inner
  C;
};
# last
`,
  ],
  ['A(- a: 1\n   b: |\n     x\n      y -)->B', 'A(-\n  a: 1\n  b: |\n    x\n     y \n-)\n  → B;\n'],
  ['A\n# before\n→ B', 'A\n  # before\n  → B;\n'],
  ["A('x')".replace("'x'", "- 'x' -"), "A(- 'x' -);\n"],
  ['A(- "a\n  b" -)', 'A(-\n    "a\n  b"\n-);\n'],
  ['A → { B({\n  "a": [\n 1 ] }) }', 'A\n  → {\n    B({\n     "a": [\n    1 ] });\n  };\n'],
  [
    `${'step-with-a-long-name → '.repeat(6)}end-of-it`,
    `step-with-a-long-name\n${'  → step-with-a-long-name\n'.repeat(5)}  → end-of-it;\n`,
  ],
])('%j', (text, expected) => {
  expect(formatted(text)).toBe(expected);
});

test('random flows keep their graph', () => {
  for (let index = 0; index < 200; index += 1) formatted(new RandomFlow(new Random(seed + index)).text());
});
