import { parse } from 'yaml';
import { editText } from '../../../../lib/topology/read/edit-text';

const yaml = `# two functions
dag:
  - id: map      # the first
    parallelism: 2   # pods
    out: [sink]
  - id: 'sink'   # the second
    schema: |
      {}
`;

test('replaces a value in place and leaves the rest of the text unchanged', () => {
  expect(editText(yaml, [{ path: ['dag', 0, 'parallelism'], value: 3 }])).toBe(
    yaml.replace('parallelism: 2 ', 'parallelism: 3 '),
  );
});

test('inserts a new key below the first line of its map', () => {
  expect(editText(yaml, [{ path: ['dag', 1, 'parallelism'], value: 4 }])).toBe(
    yaml.replace("'sink'   # the second\n", "'sink'   # the second\n    parallelism: 4\n"),
  );
  const short = 'dag:\n- id: a';
  expect(editText(short, [{ path: ['dag', 0, 'parallelism'], value: 4 }])).toBe('dag:\n- id: a\n  parallelism: 4\n');
});

test('keeps the layout of JSON', () => {
  const json = '{"dag": [\n\t{"id": "a"},\n\t{"parallelism": 1, "id": "b"}\n]}\n';
  const edits = [
    { path: ['dag', 0, 'parallelism'], value: 2 },
    { path: ['dag', 1, 'parallelism'], value: 3 },
  ];
  expect(editText(json, edits)).toBe(
    '{"dag": [\n\t{"id": "a", "parallelism": 2},\n\t{"parallelism": 3, "id": "b"}\n]}\n',
  );
});

test('reprints the document, with its comments, if a value is not a scalar', () => {
  const edited = editText(yaml, [{ path: ['dag', 0, 'out'], value: ['sink', 'other'] }]);
  expect(parse(edited ?? '')).toMatchObject({ dag: [{ out: ['sink', 'other'], parallelism: 2 }, { id: 'sink' }] });
  expect(edited).toContain('# the first\n');
  expect(edited).toContain('schema: |\n      {}\n');
});

test('quotes text that contains YAML syntax', () => {
  const edited = editText('meta:\n  unit: celsius\n', [{ path: ['meta', 'unit'], value: 'a: #b' }]);
  expect(edited).toBe('meta:\n  unit: "a: #b"\n');
});

test('returns undefined for a path through an alias', () => {
  const aliased = 'one: &it {a: 1}\ntwo: *it\n';
  expect(editText(aliased, [{ path: ['two', 'a'], value: 2 }])).toBeUndefined();
});

test.each([`${yaml}---\n`, `${yaml}...\n---\n# the end\n`, `---\n---\n${yaml}`])(
  'edits the document beside empty ones: %j',
  (text) => {
    expect(editText(text, [{ path: ['dag', 0, 'parallelism'], value: 3 }])).toBe(
      text.replace('parallelism: 2 ', 'parallelism: 3 '),
    );
    const reprinted = editText(text, [{ path: ['dag', 0, 'out'], value: ['sink', 'other'] }]) ?? '';
    expect(parse(reprinted)).toMatchObject({ dag: [{ out: ['sink', 'other'] }, { id: 'sink' }] });
  },
);
