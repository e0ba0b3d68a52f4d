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

test('a value is replaced where it stands, and nothing else is touched', () => {
  expect(editText(yaml, [{ path: ['dag', 0, 'parallelism'], value: 3 }])).toBe(
    yaml.replace('parallelism: 2 ', 'parallelism: 3 '),
  );
});

test('a value that is not there yet comes below the first line of its map', () => {
  expect(editText(yaml, [{ path: ['dag', 1, 'parallelism'], value: 4 }])).toBe(
    yaml.replace("'sink'   # the second\n", "'sink'   # the second\n    parallelism: 4\n"),
  );
  const short = 'dag:\n- id: a';
  expect(editText(short, [{ path: ['dag', 0, 'parallelism'], value: 4 }])).toBe('dag:\n- id: a\n  parallelism: 4\n');
});

test('JSON stays JSON, as it is laid out', () => {
  const json = '{"dag": [\n\t{"id": "a"},\n\t{"parallelism": 1, "id": "b"}\n]}\n';
  const edits = [
    { path: ['dag', 0, 'parallelism'], value: 2 },
    { path: ['dag', 1, 'parallelism'], value: 3 },
  ];
  expect(editText(json, edits)).toBe(
    '{"dag": [\n\t{"id": "a", "parallelism": 2},\n\t{"parallelism": 3, "id": "b"}\n]}\n',
  );
});

test('what is no single line is written anew, with its comments', () => {
  const edited = editText(yaml, [{ path: ['dag', 0, 'out'], value: ['sink', 'other'] }]);
  expect(parse(edited ?? '')).toMatchObject({ dag: [{ out: ['sink', 'other'], parallelism: 2 }, { id: 'sink' }] });
  expect(edited).toContain('# the first\n');
  expect(edited).toContain('schema: |\n      {}\n');
});

test('text with the signs of YAML in it is quoted', () => {
  const edited = editText('meta:\n  unit: celsius\n', [{ path: ['meta', 'unit'], value: 'a: #b' }]);
  expect(edited).toBe('meta:\n  unit: "a: #b"\n');
});

test('a place behind an alias is not touched', () => {
  const aliased = 'one: &it {a: 1}\ntwo: *it\n';
  expect(editText(aliased, [{ path: ['two', 'a'], value: 2 }])).toBeUndefined();
});
