import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ExitStatus } from '../../../../../runtime/cli/frame/exit-status';
import { kflow } from '../../support';

const schema =
  '{"type":"record","name":"n","fields":[{"name":"n","type":"long"},{"name":"text","type":["null","string"],"default":null}]}';

const topology = `# numbers
jobId: numbers
dag:
  - { id: in, type: raw-source, schema: '${schema}', meta: { name: run, code: "def run(): return None" }, out: [double] }
  - id: double
    type: raw
    meta:
      name: run
      code: |
        def run(ctx, event):
            if event["n"] < 0:
                raise ValueError(f"negative: {event['n']}")
            event["n"] *= 2
            return event
    out: [store]
  - { id: store, type: s3-sink, addr: 'minio:9000', user: u, password: p, topics: 's3a://numbers' }
`;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kflow-test-'));
  write('numbers.yaml', topology);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

function read(name: string): string {
  return readFileSync(path.join(folder, name), 'utf8');
}

const run = (...words: readonly string[]) => kflow('test', ...words);

describe('kflow test', () => {
  it('runs the tests beside a topology and in it, and tells what they cover', async () => {
    write(
      'numbers.test.yaml',
      'tests:\n  - { name: doubles, function: double, input: [{ n: 4 }, crash], output: [{ n: 8, text: null }] }\n',
    );
    const inside =
      'tests:\n  - { name: stores, function: in, to: store, input: [{ n: 1 }], output: [{ n: 2, text: null }] }\n';
    const file = write('numbers.yaml', `${topology}${inside}`);
    const { status, stdout, stderr } = await run(file);
    expect({ status, stderr }).toEqual({ status: ExitStatus.Done, stderr: '' });
    expect(stdout).toMatch(/numbers\.yaml\n {2}ok {4}stores \(.*\)\n.*numbers\.test\.yaml\n {2}ok {4}doubles \(/);
    expect(stdout).toContain('2 tests passed, 0 failed');
    expect(stdout).toContain(
      'functions 2/3, edges 2/2, error paths 0/1\n  not covered, functions: in\n  not covered, error paths: double\n',
    );
  });

  it('shows the difference of a test that fails, and where the code failed', async () => {
    const file = write(
      'numbers.test.yaml',
      `tests:
  - name: wrong
    function: double
    input: [{ n: 4, text: a }, { n: -1 }]
    output: [{ n: 9, text: a }]
`,
    );
    const { status, stdout } = await run(file);
    expect(status).toBe(ExitStatus.Failed);
    expect(stdout).toMatch(/FAIL {2}wrong \(.*\) {2}.*numbers\.test\.yaml:2\n/);
    expect(stdout).toContain('output of double, 1 different:');
    expect(stdout).toMatch(/-- n: 9\n *\+- n: 8\n/);
    expect(stdout).toContain('dead letters, 1 unexpected:');
    expect(stdout).toContain('raise ValueError(f"negative: {event[\'n\']}")');
    expect(stdout).toContain('0 tests passed, 1 failed');
  });

  it('tests a large record, and shows only the begin of its lines', async () => {
    const large = topology.replace('return event', "event['text'] = 'x' * 2_000_000\n            return event");
    write('numbers.yaml', large.replace('    out: [store]\n', '').replace(/ {2}- \{ id: store.*\n/, ''));
    const file = write(
      'numbers.test.yaml',
      'tests:\n  - { name: big, function: double, input: [{ n: 1 }], output: [{ n: 2, text: { $matches: "^x{9}y" } }] }\n',
    );
    const { stdout } = await run(file);
    expect(stdout).toContain('output of double, 1 different:');
    expect(stdout).toContain('… (2000');
    expect(stdout.length).toBeLessThan(5_000);
  });

  it('writes what the functions give into the tests with --update, and they pass', async () => {
    const file = write(
      'numbers.test.yaml',
      `tests:
  # the first
  - name: new
    function: double
    input: [{ n: 1 }, { n: -2 }]
  - name: old # of last year
    function: double
    input: numbers.jsonl
    output: doubles.jsonl
  - name: matches
    function: double
    input: [{ n: 1, text: x }, { n: 2 }]
    output: [{ n: { $any: true }, text: x }, { n: 5, text: null }]
`,
    );
    write('numbers.jsonl', '{"n":9007199254740993,"text":null}\n{"n":3}\n');
    write('doubles.jsonl', '{"n":1,"text":null}\n');
    expect(await run(file, '--update')).toMatchObject({
      status: ExitStatus.Done,
      stdout: expect.stringContaining('0 tests passed, 3 updated, 0 failed'),
    });
    const updated = read('numbers.test.yaml');
    expect(updated).toContain('# the first');
    expect(updated).toContain('# of last year');
    expect(updated).toContain('$any');
    expect(read('doubles.jsonl')).toBe('{"n":18014398509481986,"text":null}\n{"n":6,"text":null}\n');
    const again = await run(file);
    expect({ status: again.status, stderr: again.stderr }).toEqual({ status: ExitStatus.Done, stderr: '' });
  });

  it('reports in JSON, and in the XML of JUnit', async () => {
    const file = write(
      'numbers.test.yaml',
      `tests:
  - { name: good, function: double, input: [{ n: 1 }], output: [{ n: 2, text: null }] }
  - { name: 'bad & "long"', function: double, input: [{ n: 4503599627370497 }], output: [] }
`,
    );
    const { status, stdout } = await run(file, '--format', 'json', '--junit', path.join(folder, 'junit.xml'));
    expect(status).toBe(ExitStatus.Failed);
    const { tests, coverage } = JSON.parse(stdout);
    expect(tests).toMatchObject([
      { name: 'good', passed: true, line: 2 },
      { name: 'bad & "long"', passed: false, observed: { outputs: { double: [{ text: null }] } } },
    ]);
    expect(stdout).toContain('"n":9007199254740994');
    expect(coverage).toMatchObject([{ functions: { double: true, store: false }, errorPaths: { double: false } }]);
    const xml = read('junit.xml');
    expect(xml).toMatch(/<testsuite name="[^"]*numbers\.test\.yaml" tests="2" failures="1" errors="0" time="[\d.]+">/);
    expect(xml).toContain('name="bad &amp; &quot;long&quot;"');
    expect(xml).toContain('<failure message="output of double, 1 unexpected:">');
  });

  it('names each fault of a test by its place, and runs the others', async () => {
    const file = write(
      'numbers.test.yaml',
      `tests:
  - { name: a, function: doubel, output: [] }
  - { name: b, function: double, to: nowhere, output: [] }
  - name: c
    function: double
    input: [{ n: x }, { m: 1 }, stop, 7, crash double at noon]
    output: { stor: [] }
  - { name: d, function: double, input: { double: [] }, output: missing.jsonl }
  - { name: d, function: double, input: [{ n: 1 }], output: [{ n: 2, text: null }] }
  - { name: e, function: double, input: [{ n: 1 }], output: [{ n: 2, text: null }] }
`,
    );
    const { status, stdout, stderr } = await run(file);
    expect(status).toBe(ExitStatus.Failed);
    expect(stderr.split('\n').map((line) => line.replace(/^.*\.yaml:/, ''))).toEqual([
      '2:26  tests[0].function  no function has the id "doubel"; did you mean "double"?',
      '3:38  tests[1].to  no function has the id "nowhere"; known here: in, double, store',
      expect.stringMatching(/^6:13 {2}tests\[2\]\.input\[0\] {2}n: expected long, got string "x"/),
      expect.stringMatching(/^6:23 {2}tests\[2\]\.input\[1\] {2}/),
      '6:33  tests[2].input[2]  must be a record, "crash" or "pause", got "stop"',
      '6:39  tests[2].input[3]  must be a record, or a line such as "crash" or "pause", got 7',
      '6:42  tests[2].input[4]  crash at start, output or ack, not "noon"',
      expect.stringMatching(/^7:\d+ {2}tests\[2\]\.output\.stor {2}the test has no output "stor"/),
      expect.stringMatching(/^8:\d+ {2}tests\[3\]\.input\.double {2}double reads no output "double"; known here: in$/),
      expect.stringMatching(/^8:\d+ {2}tests\[3\]\.output {2}missing\.jsonl: ENOENT/),
      expect.stringMatching(/^9:\d+ {2}tests\[4\]\.name {2}another test has the name "d"$/),
      '',
    ]);
    expect(stdout).toContain('ok    e');
  });

  it('reports problems of the shape of a file of tests, and those of its topology', async () => {
    const file = write('numbers.test.yaml', 'tests:\n  - { name: a, funktion: double, input: 7 }\n');
    const { status, stderr } = await run(file);
    expect(status).toBe(ExitStatus.Failed);
    expect(stderr).toContain('tests[0].funktion  unknown key "funktion"; did you mean "function"?');
    expect(stderr).toContain('tests[0].input  must be a list of records');
    write('numbers.yaml', topology.replace('type: raw\n', 'type: rwa\n'));
    expect((await run(path.join(folder, 'numbers.yaml'))).stderr).toContain('unknown type "rwa"');
  });

  it('finds the tests of a directory, and of programs', async () => {
    write(
      'sub/other.test.yaml',
      'topology: ../numbers.yaml\ntests: [{ name: x, function: double, input: [{ n: 1 }], output: [{ n: 2, text: null }] }]\n',
    );
    write('numbers.yaml', `${topology}tests: [{ name: y, function: double, input: [], output: [] }]\n`);
    const { status, stdout } = await run(folder);
    expect(status).toBe(ExitStatus.Done);
    expect(stdout).toMatch(/ok {4}y[\s\S]*ok {4}x/);
    expect((await run(folder, '--only', '^x$')).stdout).not.toContain('ok    y');
  });

  it('is wrong usage without a test', async () => {
    const none = await run(path.join(folder, 'numbers.yaml'));
    expect(none).toMatchObject({
      status: ExitStatus.Usage,
      stderr: expect.stringContaining('no tests; write them into'),
    });
    const file = write('numbers.test.yaml', 'tests: [{ name: a, function: double, input: [], output: [] }]\n');
    expect((await run(file, '--only', 'zzz')).status).toBe(ExitStatus.Usage);
    expect((await run(file, '--only', '(')).status).toBe(ExitStatus.Usage);
    expect((await run(path.join(folder, 'gone.test.yaml'))).status).toBe(ExitStatus.Usage);
  });

  it('gives functions with automatic download the files of a folder', async () => {
    write('texts/a.txt', 'three short words');
    const counting = `
jobId: count
globalConfig: { store: { addr: 'minio:9000', user: u, password: p } }
dag:
  - { id: list, type: fs-source, format: list, topics: 's3a://texts', out: [count] }
  - id: count
    type: raw
    globalConfig: { store: { autoDownload: true } }
    schema: '{"type":"record","name":"c","fields":[{"name":"words","type":"int"}]}'
    meta:
      name: run
      code: |
        def run(ctx, event):
            with open(ctx.get_downloader_local_object_url()) as file:
                return {"words": len(file.read().split())}
tests:
  - name: counts
    function: count
    buckets: { texts: ./texts }
    input: [{ url: x, lastModifiedUnixMilli: 1, bucket: texts, key: a.txt }, { url: x, lastModifiedUnixMilli: 1, bucket: texts, key: b.txt }]
    output: [{ words: 3 }]
    letters: [{ message: { $matches: 'texts/b.txt: .*no such file' } }]
`;
    const { status, stdout, stderr } = await run(
      write('count.yaml', counting.replace('name: run\n', 'name: run\n      maxDeliver: 1\n')),
    );
    expect({ status, stdout, stderr }).toMatchObject({ status: ExitStatus.Done });
  });

  it('is described by a schema for editors', async () => {
    const { stdout } = await kflow('schema', 'test');
    expect(JSON.parse(stdout)).toMatchObject({ title: 'KFlow tests', required: ['tests'] });
    const { stdout: other } = await kflow('schema');
    expect(JSON.parse(other)).toMatchObject({
      title: 'KFlow topology',
      properties: { tests: { type: ['array', 'null'] } },
    });
  });
});
