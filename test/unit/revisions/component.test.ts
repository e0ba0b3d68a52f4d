import { dataTypes, unfit } from '../../../lib/revisions/data-type';
import { componentJsonSchema } from '../../../lib/revisions/document/component-json-schema';
import { isComponentDocument, readComponent } from '../../../lib/revisions/document/read-component';

const regression = `
component: Linear Regression
id: 806DF1B9-2fc8-4463-943f-3d258c569663
group: RUL
tag: 1.0.0
category: Remaining useful life
description: When a falling series meets a limit
documentation: |
  # Linear Regression
inputs:
  series: { type: series }
  limit: { type: float, default: 1.3 }
  label: { type: string, default: null }
outputs:
  days: { type: float }
  plot: { type: plotly }
code: |
  def main(*, series, limit, label):
      return {"days": 3.5, "plot": {}}
testWiring:
  input_wirings:
    - { workflow_input_name: series, adapter_id: direct_provisioning, filters: { value: '[3, 2]' } }
    - { workflow_input_name: limit, adapter_id: direct_provisioning, use_default_value: true }
`;

function printed(text: string): readonly string[] {
  return readComponent(text, 'c.yaml').problems.map(
    ({ line, col, path, message }) => `${line}:${col}  ${path}  ${message}`,
  );
}

test('a component has its inputs and outputs in order, and defaults, null among them', () => {
  const { component, problems } = readComponent(regression, 'c.yaml');
  expect(problems).toEqual([]);
  expect(component).toMatchObject({
    name: 'Linear Regression',
    id: '806df1b9-2fc8-4463-943f-3d258c569663',
    group: 'RUL',
    tag: '1.0.0',
    language: 'python',
    entry: 'main',
    inputs: [
      { name: 'series', type: 'series' },
      { name: 'limit', type: 'float', default: { value: 1.3 } },
      { name: 'label', type: 'string', default: { value: null } },
    ],
    outputs: [
      { name: 'days', type: 'float' },
      { name: 'plot', type: 'plotly' },
    ],
  });
  expect(component?.inputs[0]).not.toHaveProperty('default');
});

test('the group is the name, and the language that of the module, unless the document says so', () => {
  const { component } = readComponent('component: Double\noutputs: { twice: { type: int } }\nmodule: double.ts', 'c');
  expect(component).toMatchObject({ group: 'Double', language: 'typescript', module: 'double.ts', inputs: [] });
});

test('every problem is reported at once, at its place', () => {
  const text = `component: ''
id: abc
tag: a b
inputs:
  class: { type: float }
  limit: { type: flaot }
  count: { type: int, default: 1.5 }
  2nd: { type: int }
outputs: []
name: run
code: 'def main(): pass'
module: main.rb
images: a
`;
  expect(printed(text)).toEqual([
    '1:12  component  must be text that is not empty, got ""',
    '2:5  id  must be a UUID, got "abc"',
    '3:6  tag  must not have spaces, colons and slashes, got "a b"',
    '5:3  inputs.class  must be a name: letters, digits and _, not beginning with a digit, and no keyword of Python; got "class"',
    expect.stringMatching(
      /^6:18 {2}inputs\.limit\.type {2}must be one of int, .*, got "flaot"; did you mean "float"\?$/,
    ),
    '7:32  inputs.count.default  must be an integer, as the type is int, got 1.5',
    expect.stringMatching(/^8:3 {2}inputs\.2nd {2}must be a name/),
    '9:10  outputs  must be a map of outputs, got an empty list',
    '10:7  name  the code has no function "run"; name it in "name"',
    '12:1  module  code and module exclude each other; remove one',
    '12:9  module  the language of main.rb is unknown; set "language"',
    '13:1  images  unknown key "images"; did you mean "image"?',
  ]);
});

test('a component needs code, and "latest" is no tag', () => {
  const text = 'component: A\ntag: latest\noutputs: {}\n';
  expect(printed(text)).toEqual([
    '1:1    the component needs code or a module',
    '2:6  tag  must not be "latest", which stands for the revision that was released last',
  ]);
});

test('a test wiring is checked as that of a request', () => {
  const wired = (wirings: string) =>
    printed(`${regression.slice(0, regression.indexOf('testWiring'))}testWiring:\n  input_wirings: ${wirings}\n`);
  expect(wired('[]')).toEqual([
    expect.stringMatching(/testWiring\.input_wirings {2}the required input "series" is not wired$/),
  ]);
  expect(wired('[{ workflow_input_name: series }]')).toEqual([
    expect.stringMatching(/the key "adapter_id" is missing; it must be the id of an adapter$/),
  ]);
  const direct = (name: string) => `{ workflow_input_name: ${name}, adapter_id: direct_provisioning }`;
  expect(wired(`[${direct('series')}, ${direct('serie')}]`)).toEqual([
    expect.stringMatching(/there is no input "serie"; the inputs are series, limit, label$/),
  ]);
});

test.each([
  ['component: A\noutputs: {}', true],
  ['{"component": "A"}', true],
  ['jobId: a\ndag: []', false],
  ['worker: a\ntasks: {}', false],
  ['jobId: component\ndag:\n  - id: a\n    component: b\n', false],
  ['{"dag": [{"component": 1}]}', false],
])('a document is known as a component by its first level: %j', (text, is) => {
  expect(isComponentDocument(text)).toBe(is);
});

test('the JSON Schema has a description of each field, and says what is required', () => {
  const schema = componentJsonSchema() as { properties: { [key: string]: { description?: string } } };
  expect(schema).toMatchObject({ title: 'KFlow component', required: ['component', 'outputs'] });
  expect(Object.values(schema.properties).filter(({ description }) => description === undefined)).toEqual([]);
});

test.each([
  ['int', 3, 3.5],
  ['float', 3.5, '3.5'],
  ['string', 'a', 3],
  ['boolean', false, 'no'],
  ['series', { '2026-01-01': 1 }, 1],
  ['dataframe', [{ a: 1 }], 'a'],
  ['multitsframe', { a: [] }, null],
  ['any', null, undefined],
  ['plotly', { data: [] }, []],
] as const)('a value of %s', (type, good, bad) => {
  expect(unfit(type, good)).toBeUndefined();
  if (type !== 'any') expect(unfit(type, bad)).toEqual(expect.any(String));
  expect(dataTypes).toContain(type);
});
