import { compileTaskFlow } from '../../../lib/tasks/compile/compile-task-flow';
import { renderText } from '../../../lib/tasks/document/render-text';
import type { TaskFlowDocument } from '../../../lib/tasks/document/task-flow-document';
import { toJsonForm } from '../../../lib/tasks/document/to-json-form';
import type { TaskGraph } from '../../../lib/tasks/graph/task-graph';
import { parseTaskFlow } from '../../../lib/tasks/language/parse-task-flow';
import { Random, seed } from '../../support/random';
import { RandomFlow } from './random-flow';
import { graphOf, problemsOf } from './support';

const jsonOf = (text: string) => toJsonForm(parseTaskFlow(text).syntax);

function shapeOf({ nodes, ...graph }: TaskGraph): unknown {
  return { ...graph, nodes: nodes.map(({ at: _, ...node }) => node) };
}

function expectSameGraph(text: string): TaskFlowDocument {
  const form = jsonOf(text);
  expect(shapeOf(graphOf(JSON.stringify(form, null, 2)))).toEqual(shapeOf(graphOf(text)));
  expect(shapeOf(graphOf(renderText(form)))).toEqual(shapeOf(graphOf(text)));
  expect(jsonOf(renderText(form))).toEqual(form);
  return form;
}

test('every part of the language has a place in the form', () => {
  const text = `@flow orders (- attributes: {team: x} -) '''Orders.'''
    @task charge = card:charge (- currency: EUR -) with (- retry: {attempts: 3} -) """it's"""
    @task notify { mail|sms }
    <https://in/{input[id]}.json> (- x: 1 -) → check :ok → * ? \`$[?(@.n > 0)]\` charge(- a: 1 -) with (- map: {limit: 2} -) catch { A B } with (- optional: skip -) → <https://out>
    :ok → :in > notify → > :end;
    :start :ok → A → :in
    <- text -> → A|B(- 5 -) → :in
    @finally clean`;
  expect(expectSameGraph(text)).toEqual({
    flow: { name: 'orders', parameters: { attributes: { team: 'x' } }, doc: 'Orders.' },
    tasks: {
      charge: { base: 'card:charge', parameters: { currency: 'EUR' }, with: { retry: { attempts: 3 } }, doc: "it's" },
      notify: { statements: [{ steps: [{ tasks: [{ task: 'mail' }, { task: 'sms' }] }] }] },
    },
    statements: [
      {
        from: { load: 'https://in/{input[id]}.json', parameters: { x: 1 } },
        steps: [
          { task: 'check', output: 'ok' },
          {
            mode: 'map',
            guard: '$[?(@.n > 0)]',
            task: 'charge',
            parameters: { a: 1 },
            with: { map: { limit: 2 } },
            catch: { statements: [{ steps: [{ task: 'A' }] }, { steps: [{ task: 'B' }] }], with: { optional: 'skip' } },
          },
        ],
        to: { store: 'https://out' },
      },
      {
        from: { label: 'ok' },
        steps: [{ input: 'in', mode: 'merge', task: 'notify' }],
        to: { label: 'end', merge: true },
      },
      {
        from: { labels: ['start', 'ok'] },
        steps: [{ task: 'A' }],
        to: { label: 'in' },
      },
      {
        from: { constant: 'text' },
        steps: [{ tasks: [{ task: 'A' }, { task: 'B', parameters: 5 }] }],
        to: { label: 'in' },
      },
    ],
    finally: { task: 'clean' },
  });
});

test('random flows have the same graph as text and as JSON', () => {
  for (let index = 0; index < 100; index += 1) expectSameGraph(new RandomFlow(new Random(seed + index)).text());
});

test('problems of the form are reported with their positions', () => {
  expect(
    problemsOf(`{"statements": [
  {"steps": [{"task": "A", "tasks": []}, {}, {"task": "a b"}], "too": 1},
  {"steps": [{"task": "A", "guard": "$.["}]}
]}`),
  ).toEqual(['2:64  statements[0].too  unknown key "too"; did you mean "to"?']);
  expect(
    problemsOf(`{"statements": [
  {"steps": [{"task": "A", "tasks": []}, {}, {"task": "a b"}]}
]}`),
  ).toEqual([
    '2:14  needs exactly one of task, tasks, statements, got task and tasks',
    '2:42  needs exactly one of task, tasks, statements, got none',
    '2:55  "a b" is no name: a letter or _, then letters, digits, _, - and :',
  ]);
  expect(problemsOf('{"statements": [{"steps": [{"task": "catch"}]}]}')).toEqual([
    '1:37  "catch" is a word of the language, and no name of a task',
  ]);
  expect(problemsOf('{"statements": [{"steps": [{"task": "wait:x", "guard": "$.["}]}]}')).toEqual([
    '1:28  wait:x  unknown task "wait:x"; known here: wait:delay, wait:event, wait:acquire, wait:release, wait:countdown',
    '1:59  wait:x  invalid guard: expected a key or * after the dot, got "["',
  ]);
  expect(compileTaskFlow('{"statements": [', 'f').problems[0]).toMatchObject({ code: 'syntax', line: 1 });
});
