import { compileTaskFlow } from '../../../lib/tasks/compile/compile-task-flow';
import { toJsonForm } from '../../../lib/tasks/document/to-json-form';
import { formatTaskFlow } from '../../../lib/tasks/format/format-task-flow';
import { isJsonForm, isTaskFlowText } from '../../../lib/tasks/language/is-task-flow-text';
import { parseTaskFlow } from '../../../lib/tasks/language/parse-task-flow';
import { Random, seed } from '../../support/random';
import { RandomFlow } from './random-flow';

const pieces = [
  '→',
  '->',
  '|',
  '{',
  '}',
  ';',
  '>',
  '*',
  '?',
  '=',
  ':x',
  '@task',
  '(-',
  '-)',
  '({',
  '})',
  '<',
  '<-',
  '`',
  "'''",
  '"',
  '#',
  '\n',
  ' with ',
  ' catch ',
  '$[?(@',
  '\u0000',
  '\ud800',
  '&a',
  '*a',
  'é',
];

function mutated(text: string, random: Random): string {
  const at = Math.floor(random.next() * (text.length + 1));
  const kind = random.next();
  if (kind < 0.4) return text.slice(0, at) + random.oneOf(pieces) + text.slice(at);
  if (kind < 0.8) return text.slice(0, at) + text.slice(at + random.upTo(4));
  const from = Math.floor(random.next() * text.length);
  return text.slice(0, at) + text.slice(from, from + random.upTo(30)) + text.slice(at);
}

test('a text with mistakes has problems within the text, and nothing throws', () => {
  const random = new Random(seed);
  for (let index = 0; index < 150; index += 1) {
    let text = new RandomFlow(random).text();
    if (index % 4 === 0) text = JSON.stringify(toJsonForm(parseTaskFlow(text).syntax), null, 1);
    for (let times = random.upTo(4); times > 0; times -= 1) text = mutated(text, random);
    isTaskFlowText(text);
    const { flow, problems } = compileTaskFlow(text, 'f');
    expect(flow === undefined).toBe(problems.some(({ severity }) => severity === 'error'));
    const lines = text.split('\n').length;
    expect(problems.filter(({ line, col }) => line < 1 || line > lines + 1 || col < 1)).toEqual([]);
    if (flow === undefined || isJsonForm(text)) continue;
    const once = formatTaskFlow(text);
    expect([text, formatTaskFlow(once)]).toEqual([text, once]);
    expect([text, once, compileTaskFlow(once, 'f').flow?.nodes.length]).toEqual([text, once, flow.nodes.length]);
  }
});
