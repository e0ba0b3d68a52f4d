import { readFileSync } from 'node:fs';
import path from 'node:path';
import { builtInTasks } from '../../../lib/tasks/compile/built-in-tasks';
import { formatTaskFlow } from '../../../lib/tasks/format/format-task-flow';
import { failure, graphOf, run } from './support';

const page = readFileSync(path.join(__dirname, '../../../docs/task-flows.md'), 'utf8');
const flows = [...page.matchAll(/```flow\n(.*?)```/gs)].map(([, text = '']) => text);

test('every flow of docs/task-flows.md compiles', () => {
  expect(flows.length).toBeGreaterThan(1);
  for (const flow of flows) {
    graphOf(flow);
    graphOf(formatTaskFlow(flow));
  }
});

test('the first flow of docs/task-flows.md runs as the page says', () => {
  const tasks = {
    'order:read': { total: 2_000 },
    approve: { isApproved: true, answers: {} },
    'card:charge': failure('card-refused'),
    'order:refuse': { refused: true },
    'order:items': [1, 2],
  };
  const { log } = run(flows[0] ?? '', { order: 7 }, tasks);
  expect(log.map((line) => line.split(' ', 1)[0])).toEqual([
    'order:read',
    'approve',
    'order:items',
    'card:charge',
    'stock:reserve',
    'stock:reserve',
    'order:refuse',
    'mail:receipt',
  ]);
  expect(log.at(-1)).toBe('mail:receipt [{"refused":true},[1,2]]');
});

test('docs/task-flows.md has every task of KFlow itself', () => {
  expect(Object.keys(builtInTasks).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
