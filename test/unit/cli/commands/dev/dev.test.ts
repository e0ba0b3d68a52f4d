import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeRunNote } from '../../../../../runtime/cli/commands/run/run-note';
import { TestController } from '../flows/support';

const document = `jobId: stepped
globalConfig: { devStore: { enabled: true, addr: "s3:1", topics: steps, user: u, password: p } }
dag:
  - id: made
    type: raw-source
    image: made:1
    schema: '{"type":"record","name":"n","fields":[{"name":"n","type":"long"}]}'
    out: [map]
  - { id: map, type: raw, image: map:1, out: [last] }
  - { id: last, type: raw, image: last:1 }
`;
const prefix = 'kflow-dev/default/stepped/map/';
let controller: TestController;

beforeEach(async () => {
  controller = await TestController.start();
  await controller.flows.submit({ namespace: 'default', jobId: 'stepped' }, document, { by: 'the test' });
});
afterEach(() => controller.close());

const dev = (...words: readonly string[]) => controller.kflow('dev', ...words);
const read = async (key: string) => Buffer.from(await controller.flows.stepStores.store.get('steps', key)).toString();

/** Stands for the replica of the function. */
async function answer(name: string, outputs: string, more = ''): Promise<void> {
  const { store } = controller.flows.stepStores;
  for await (const { key, etag, lastModifiedMs } of store.list('steps', `${prefix}in/${name}`)) {
    if (key !== `${prefix}in/${name}`) continue;
    const object = JSON.stringify({ etag, at: new Date(lastModifiedMs).toISOString() });
    const state = more === '' ? 'done' : 'failed';
    const text = `{"function":"map","name":"${name}","state":"${state}","run":1,"object":${object},"ms":5,"inputs":[{"n":1}],"outputs":${outputs},"sideOutputs":{},"errors":[${more}]}`;
    await store.put('steps', `${prefix}out/${name}`, Buffer.from(text));
  }
}

test('step puts records, and exits with 5 while there is no result', async () => {
  const put = await dev('step', 'stepped', 'map', 'a.json', '--records', '{"n": 9007199254740993}');
  expect([put.status, put.stdout]).toEqual([5, 'map  a.json  waiting, run 0\n']);
  expect(await read(`${prefix}in/a.json`)).toBe('{"n":9007199254740993}\n');
});

test('show prints records and errors, and exits with 1 after an error', async () => {
  await dev('step', 'stepped', 'map', 'a', '--records', '{"n": 1}');
  await answer('a', '[{"n":9007199254740993}]');
  expect(await dev('show', 'stepped', 'map', 'a')).toMatchObject({
    status: 0,
    stdout: 'map  a  done, run 1, 5 ms\n  in   {"n":1}\n  out  {"n":9007199254740993}\n',
  });
  await answer('a', '[]', '{"record":0,"type":"ValueError","message":"no","trace":"in f\\n at 2"}');
  const { status, stdout } = await dev('show', 'stepped', 'map', 'a');
  expect(status).toBe(1);
  expect(stdout).toContain('  error  ValueError: no\n    in f\n     at 2\n');
  const list = await dev('list', 'stepped');
  expect(list.stdout).toMatch(/map\s+s3a:\/\/steps\/kflow-dev\/default\/stepped\/map\/in\//);
  expect(list.stdout).toMatch(/map\s+a\s+failed\s+1\s+1\s+0/);
});

test('next puts the outputs, with all digits, and names what is missing', async () => {
  await dev('step', 'stepped', 'map', 'a', '--records', '{"n": 1}');
  await answer('a', '[{"n":9007199254740993}]');
  const moved = await dev('next', 'stepped', 'map', 'a', '-o', 'json');
  expect(moved).toMatchObject({ status: 5 });
  expect(JSON.parse(moved.stdout)).toMatchObject({ function: 'last', name: 'a', state: 'waiting' });
  expect(await read('kflow-dev/default/stepped/last/in/a')).toBe('{"n":9007199254740993}\n');
  expect(await dev('next', 'stepped', 'map', 'other')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('map: no object kflow-dev/default/stepped/map/in/other was put'),
  });
});

test('edit opens the records in an editor, and puts what was saved', async () => {
  await dev('step', 'stepped', 'map', 'a', '--records', '{"n": 1}');
  await answer('a', '[]');
  const before = process.env.EDITOR;
  process.env.EDITOR = `sed -i s/1/7/`;
  try {
    await dev('edit', 'stepped', 'map', 'a');
  } finally {
    if (before === undefined) delete process.env.EDITOR;
    else process.env.EDITOR = before;
  }
  expect(await read(`${prefix}in/a`)).toBe('{"n":7}\n');
});

test('drop and simulate', async () => {
  await dev('step', 'stepped', 'map', 'a', '--records', '{"n": 1}');
  await answer('a', '[{"n":2}]');
  expect(await dev('simulate', 'stepped', 'last', 'map', 'a')).toMatchObject({ status: 5 });
  expect(await read('kflow-dev/default/stepped/last/in/a')).toBe('{"n":2}\n');
  expect(await dev('drop', 'stepped', 'map', 'a')).toMatchObject({ status: 0, stderr: 'map: a is removed\n' });
  expect(await dev('show', 'stepped', 'map', 'a')).toMatchObject({ status: 1 });
});

test.each([
  [['step', 'stepped', 'map', 'a', '--records', '5'], '--records: want JSON of a record'],
  [['step', 'stepped', 'map', 'a', '--records', '{}', '--file', 'x'], '--file and --records: want one of the two'],
  [['step', 'stepped', 'made', 'a', '--records', '{}'], 'no process has the id "made"'],
  [['step', 'stepped', 'map', 'a', '--records', '{"n": "x"}'], 'n: expected long, got string "x"'],
  [['list', 'words'], 'default/words does not run step by step'],
])('kflow dev %j says what is wrong', async (words, message) => {
  const { status, stderr } = await dev(...words);
  expect(status).not.toBe(0);
  expect(stderr).toContain(message);
});

test('a run in the folder that is not step by step is told apart from a flow of the controller', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kflow-dev-'));
  const before = process.cwd();
  const data = path.join(folder, '.kflow', 'running');
  mkdirSync(data, { recursive: true });
  writeRunNote(data, { namespace: 'default', pid: process.pid, nats: { url: 'nats://none:1' }, isEmbedded: true });
  writeFileSync(path.join(data, 'lock'), String(process.pid));
  process.chdir(folder);
  try {
    const { openSteps } = await import('../../../../../runtime/cli/commands/dev/open-steps.js');
    const none = { namespace: undefined, output: 'table', url: undefined, token: undefined, ca: undefined } as const;
    await expect(openSteps('running', { ...none, comment: undefined })).rejects.toThrow(
      'running: its run is not step by step; start it with kflow run --dev',
    );
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  }
});
