import { readFileSync } from 'node:fs';
import { Workplace } from '../../../../support/kflow-cli';
import { kflow, topology } from '../../support';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.remove());

const valid = () => place.write('valid.flow', '@flow mail (- a: 1 -)\nA->B\n');
const invalid = () => place.write('invalid.flow', 'A → :x\nwait:x');

describe('kflow lint', () => {
  test('checks task flows by their extension, alone and in a directory', async () => {
    const [good, bad] = [valid(), invalid()];
    place.write('topology.yaml', topology);
    expect(await kflow('lint', good)).toEqual({ status: 0, stdout: `${good}: ok\n`, stderr: '' });
    const { status, stdout } = await kflow('lint', place.folder);
    expect(status).toBe(1);
    expect(stdout).toContain(`${bad}:2:1  wait:x  unknown task "wait:x"`);
    expect(stdout).toMatch(/1 error, 0 warnings\n$/);
  });

  test('recognizes a task flow by its content, where the name leaves the kind open', async () => {
    for (const text of ['# c\n@task A {B} A', 'A -> B', '{"statements": [{"steps": [{"task": "A"}]}]}']) {
      const file = place.write('flow.txt', text);
      expect(await kflow('lint', file)).toEqual({ status: 0, stdout: `${file}: ok\n`, stderr: '' });
    }
    expect((await kflow('lint', place.write('other.txt', `${topology}# a -> b`))).status).toBe(0);
  });
});

describe('kflow graph', () => {
  test('draws a task flow', async () => {
    expect((await kflow('graph', valid())).stdout).toContain('direction LR\n  [*] --> A.1\n  A.1 --> B.2\n');
    expect((await kflow('graph', '--vertical', valid())).stdout).toContain('direction TB');
  });

  test('prints the problems of a task flow', async () => {
    expect(await kflow('graph', invalid())).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining('wait:x'),
    });
  });
});

describe('kflow fmt', () => {
  test('changes files in place, and names those that it changes', async () => {
    const file = valid();
    expect(await kflow('fmt', '--check', file)).toEqual({ status: 2, stdout: `${file}\n`, stderr: '' });
    expect(await kflow('fmt', file)).toEqual({ status: 0, stdout: `${file}\n`, stderr: '' });
    expect(readFileSync(file, 'utf8')).toBe('@flow mail (- a: 1 -);\nA → B;\n');
    expect(await kflow('fmt', '--check', file)).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('leaves a file with syntax errors as it is', async () => {
    const file = place.write('broken.flow', 'A → → B');
    expect(await kflow('fmt', file)).toMatchObject({ status: 1, stderr: expect.stringContaining('1:5  expected') });
    expect(readFileSync(file, 'utf8')).toBe('A → → B');
  });
});

test('kflow fmt --to prints a flow as JSON, and JSON as a flow', async () => {
  const json = await kflow('fmt', '--to', 'json', valid());
  expect(JSON.parse(json.stdout)).toEqual({
    flow: { name: 'mail', parameters: { a: 1 } },
    statements: [{ steps: [{ task: 'A' }, { task: 'B' }] }],
  });
  const file = place.write('flow.json', json.stdout);
  expect((await kflow('fmt', '--to', 'text', file)).stdout).toBe('@flow mail ({"a":1});\nA → B;\n');
  expect((await kflow('fmt', '--check', file)).status).toBe(0);
});

test('kflow schema task-flow describes the JSON form, subflows among it', async () => {
  const { stdout } = await kflow('schema', 'task-flow');
  const schema = JSON.parse(stdout);
  expect(schema).toMatchObject({ title: 'KFlow task flow', required: ['statements'] });
  expect(stdout).toContain('$ref');
});
