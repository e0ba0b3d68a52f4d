import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { Workplace } from '../../../../support/kflow-cli';
import { invalidTopology, kflow, topology, warnedTopology } from '../../support';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.remove());

const valid = () => place.write('valid.yaml', topology);
const invalid = () => place.write('invalid.yaml', invalidTopology);
const warned = () => place.write('warned.yaml', warnedTopology);

test('a topology without problems exits with 0', async () => {
  const file = valid();
  expect(await kflow('lint', file)).toEqual({ status: 0, stdout: `${file}: ok\n`, stderr: '' });
});

test('warnings alone exit with 0', async () => {
  const file = warned();
  const { status, stdout } = await kflow('lint', file);
  expect([status, stdout]).toEqual([0, expect.stringMatching(/ warning: .*\n.*: ok, 1 warning\n$/)]);
});

test('an error exits with 1, as does a file that does not exist', async () => {
  expect(await kflow('lint', invalid())).toMatchObject({ status: 1, stdout: expect.stringContaining('rwa') });
  expect((await kflow('lint', `${place.folder}/none.yaml`)).status).toBe(1);
});

test('an error in one of several files exits with 1, wherever the file is in the list', async () => {
  const files = [valid(), invalid(), warned()];
  for (const at of files.keys()) {
    const order = [...files.slice(at), ...files.slice(0, at)];
    const { status, stdout } = await kflow('lint', ...order);
    expect([status, stdout]).toEqual([1, expect.stringMatching(/\n1 error, 1 warning\n$/)]);
  }
  expect((await kflow('lint', place.folder)).status).toBe(1);
});

test('the JSON format exits with the same status', async () => {
  expect((await kflow('lint', '--format', 'json', valid(), invalid())).status).toBe(1);
  expect(await kflow('lint', '--format', 'json', valid())).toMatchObject({ status: 0, stdout: '[]\n' });
});

test('a module that cannot be read is an error, where the document names it', async () => {
  const file = place.write('module.yaml', topology.replace(/code: "[^"]*"/, 'module: ./none.py, language: python'));
  const { status, stdout } = await kflow('lint', file);
  expect(status).toBe(1);
  expect(stdout).toMatch(
    /module\.yaml:3:\d+ {2}dag\[0\]\.meta\.module {2}cannot read the module \.\/none\.py: no such file/,
  );
});

test('two accounts at one address, which only manifests cannot have, are a warning that names synth', async () => {
  const account = (user: string) => `addr: 'minio:9000', user: ${user}, password: ${user}-word`;
  const code = 'meta: { name: run, code: "def run(ctx, event): return event" }';
  const schema = '{"type":"record","name":"n","fields":[{"name":"n","type":"string"}]}';
  const accounts = (one: string, other: string) => `jobId: accounts
dag:
  - { id: list, type: fs-source, format: list, topics: 's3a://texts', ${account(one)}, out: [map] }
  - { id: map, type: raw, schema: '${schema}', ${code}, out: [store] }
  - { id: store, type: s3-sink, topics: 's3a://results', ${account(other)} }
`;
  const file = place.write('accounts.yaml', accounts('eva', 'ada'));
  const { status, stdout } = await kflow('lint', file);
  expect(status).toBe(0);
  expect(stdout).toContain(
    'warning: kflow synth refuses this: minio:9000: the secret accounts--minio-9000 already belongs',
  );
  expect((await kflow('synth', '-o', `${place.folder}/manifests`, file)).status).toBe(1);
  const one = place.write('accounts.yaml', accounts('eva', 'eva'));
  expect((await kflow('lint', one)).stdout).toBe(`${one}: ok\n`);
});

const object = 'apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: dev\n';

test('Kubernetes objects in a directory are skipped, with a word', async () => {
  const topologyFile = valid();
  const files = [
    place.write('application.yaml', object),
    place.write('several.yaml', `---\n${object}---\n${object}`),
    place.write('z.json', '{ "apiVersion": "v1", "kind": "ConfigMap", "data": { "dag": "" } }'),
  ];
  const skipped = files.map((file) => `${file}: skipped, a Kubernetes object\n`);
  const { status, stdout } = await kflow('lint', place.folder);
  expect([status, stdout]).toEqual([0, `${skipped.join('')}${topologyFile}: ok\n`]);
  expect(await kflow('lint', '--format', 'json', place.folder)).toMatchObject({ status: 0, stdout: '[]\n' });
});

test('of files of tests, the shape is checked', async () => {
  const file = valid();
  const tests = place.write('valid.test.yaml', 'tests: [{ name: a, function: leaf, input: [] }]\n');
  const { status, stdout } = await kflow('lint', place.folder);
  expect([status, stdout.split('\n').sort()]).toEqual([0, ['', `${file}: ok`, `${tests}: ok`].sort()]);
  place.write('valid.test.yaml', 'tests: [{ name: a, funktion: leaf }]\n');
  expect(await kflow('lint', tests)).toMatchObject({
    status: 1,
    stdout: expect.stringContaining('tests[0].funktion  unknown key "funktion"; did you mean "function"?'),
  });
});

test('a Kubernetes object that is named is an error, and so is a directory with nothing else', async () => {
  const file = place.write('application.yaml', object);
  expect(await kflow('lint', file)).toMatchObject({
    status: 1,
    stdout: expect.stringContaining('this is a Kubernetes object of the kind Application, not a topology\n1 error'),
  });
  expect(await kflow('lint', place.folder)).toMatchObject({
    status: 1,
    stdout: expect.stringContaining('a directory without topologies in YAML or JSON'),
  });
});

test('a file of a directory that cannot be read is an error of this file', async () => {
  valid();
  symlinkSync('nowhere', path.join(place.folder, 'dangling.yaml'));
  const { status, stdout } = await kflow('lint', place.folder);
  expect([status, stdout]).toEqual([1, expect.stringMatching(/dangling\.yaml:1:1 .*no such file/)]);
  expect(stdout).toContain('valid.yaml: ok');
});

test('a topology with keys of a Kubernetes object is checked as a topology', async () => {
  const file = place.write('both.yaml', `apiVersion: v1\nkind: Flow\n${topology}`);
  const { status, stdout } = await kflow('lint', place.folder);
  expect([status, stdout]).toEqual([1, expect.stringContaining(`${file}:1:1`)]);
});
