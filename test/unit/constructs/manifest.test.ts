import { readFileSync } from 'node:fs';
import path from 'node:path';
import { App } from 'cdk8s';
import { parse, parseAllDocuments } from 'yaml';
import { Flow } from '../../../lib/constructs/flow';
import { FlowApp } from '../../../lib/constructs/flow-app';
import { renderYaml } from '../../../lib/constructs/manifest';

/** Strings that some version of YAML parses as another value unless they are quoted. */
const tricky = [
  ...['yes', 'on', 'NO', 'y', 'n', '~', 'null', 'true', '', ' ', ' lead', 'trail ', '=', '<<', '---', '...'],
  ...[
    '0775',
    '1:20',
    '1_000',
    '0b1',
    '0o7',
    '0x1F',
    '.5',
    '1.',
    '+1',
    '1e3',
    '.inf',
    '.nan',
    '2024-01-01',
    '190:20:30',
  ],
  ...['- a', 'a: b', 'a #b', '#x', '*a', '&a', '!t', '%x', '@x', '`x', '|', '>', '"q"', "'q'", '{"a":1}', '[a]', 'a:'],
  ...['two\nlines', 'two\nlines\n', 'two\n\n\n', '\nfirst', '  indented\nfirst', 'tab\there', 'a\r\nb', 'end \nnext'],
  ...['é', '😀', '\u2028', '\ufeffbom', '\u0001', `${'x'.repeat(200)} ${'y'.repeat(100)}`],
];

test.each(['1.1', '1.2'] as const)('a YAML %s parser returns every string unchanged', (version) => {
  const objects = tricky.flatMap((text) => [{ key: text }, { [text]: 1 }, { list: [text, { deep: { text } }] }]);
  for (const object of objects) expect(parse(renderYaml([object]), { version })).toEqual(object);
});

test('renders the same values as cdk8s', () => {
  const file = path.join(__dirname, '../../fixtures/topologies/pods.yaml');
  const stock = new App();
  Flow.fromFile(stock, 'pods', file);
  const fast = new FlowApp();
  Flow.fromFile(fast, 'pods', file);
  const valuesOf = (text: string) => parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS());
  const [text] = [...fast.texts().values()];
  expect(valuesOf(text ?? '')).toEqual(valuesOf(stock.synthYaml()));
  expect(readFileSync(path.join(__dirname, '../../golden/pods.k8s.yaml'), 'utf8')).toBe(text);
});
