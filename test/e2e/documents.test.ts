import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type KflowCommand, Workplace } from '../support/kflow-cli';

const fixtures = path.join(__dirname, '../fixtures/topologies');
let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.remove());

/** Writes a directory of files to fill a bucket from, and returns their keys. */
function makeObjects(count: number): string[] {
  const odd = ['a b+c%20.txt', 'é/ü ñ.txt', 'deep/er/x&y=z#1.txt', 'empty'];
  const keys = [
    ...odd,
    ...Array.from({ length: Math.max(0, count - odd.length) }, (_, index) => `n/${index}.txt`),
  ].slice(0, count);
  mkdirSync(path.join(place.folder, 'objects'), { recursive: true });
  for (const key of keys) place.write(`objects/${key}`, key === 'empty' ? '' : `text of ${key}`);
  return keys;
}

/** In and out of each function in the final table. */
function table(run: KflowCommand): Record<string, string> {
  const rows = [...run.stdout.matchAll(/^(\S+) +(?:raw|raw-source|fs-source|s3-sink) +\d+ +(\S+) +(\S+) /gm)];
  return Object.fromEntries(rows.map(([, name, taken, given]) => [name, `${taken} in, ${given} out`]));
}

test.each([0, 1, 40])('message-store.yaml sends 5 MB payloads through the object store: %d objects', async (count) => {
  makeObjects(count);
  const file = path.join(fixtures, 'message-store.yaml');
  const run = place.kflow('run', file, '--set', 'mode=batch', '--bucket', 'sas=objects', '--timeout', '150');
  expect({ status: await run.exited, stderr: run.stderr }).toMatchObject({ status: 0 });
  expect(table(run)).toEqual({
    'list-s3-bucket': `- in, ${count} out`,
    map: `${count} in, ${count} out`,
    print0: `${count} in, - out`,
  });
  const log = count === 0 ? '' : place.read('.kflow/jobx/logs/print0-0.log');
  expect(log.match(/INFO: metadata: None path: None/g) ?? []).toHaveLength(count);
  expect(log.match(/INFO: 5242\d\d\d/g) ?? []).toHaveLength(count); // the bytes that print0 prints
});

test.each([0, 1, 2_500])('auto-download.yaml lists and passes on every object once: %d objects', async (count) => {
  const keys = makeObjects(count);
  const file = path.join(fixtures, 'auto-download.yaml');
  const run = place.kflow('run', file, '--set', 'mode=batch', '--bucket', 'docs=objects', '--save', 'testjson=saved');
  expect({ status: await run.exited, stderr: run.stderr }).toMatchObject({ status: 0 });
  expect(run.stderr).toContain('passes records through unchanged');
  const saved = place.records<{ key: string; url: string }>('saved');
  expect(saved.map((record) => record.key).sort()).toEqual([...keys].sort());
  expect(saved.filter(({ key, url }) => url !== `s3a://docs/${key}`)).toEqual([]);
});

test('side-outs.yaml, a stream, is drained at its timeout: every record in came out', async () => {
  let given = 0;
  let rows: Record<string, string> = {};
  // On a busy machine the replicas may start later than the first timeout.
  for (let seconds = 3; given === 0; seconds *= 2) {
    const begunMs = performance.now();
    const run = place.kflow('run', path.join(fixtures, 'side-outs.yaml'), '--timeout', String(seconds));
    expect({ status: await run.exited, stderr: run.stderr }).toMatchObject({ status: 0 });
    rows = table(run);
    given = Number(/(\S+) out/.exec(rows.messages ?? '')?.[1]?.replace(/,/g, ''));
    expect(given).toBeLessThanOrEqual(performance.now() - begunMs); // meta.rate: 1000
  }
  const count = given.toLocaleString('en-US');
  expect(rows).toMatchObject({
    forward: `${count} in, ${count} out`,
    'print-main': `${count} in, - out`,
    'print-sideout': '0 in, - out',
  });
});

test('with --keep a stopped flow continues where it was, and a checkpoint lists only new objects', async () => {
  makeObjects(30);
  const text = readFileSync(path.join(fixtures, 'auto-download.yaml'), 'utf8');
  place.write('checkpoint.yaml', text);
  const run = () =>
    place.kflow(
      'run',
      'checkpoint.yaml',
      '--set',
      'mode=batch',
      '--keep',
      '--save',
      'testjson=saved',
      '--bucket',
      'docs=objects',
    );
  const first = run();
  expect(await first.exited).toBe(0);
  writeFileSync(path.join(place.folder, 'objects/new.txt'), 'new');
  const second = run();
  expect({ status: await second.exited, stderr: second.stderr }).toMatchObject({ status: 0 });
  expect(table(second)).toMatchObject({ 'list-s3-bucket': '- in, 1 out', s3: '1 in, - out' });
  expect(place.records('saved')).toHaveLength(31);
});

test('a function that cannot be loaded ends the run and names its line', async () => {
  const topology = readFileSync(path.join(fixtures, 'side-outs.yaml'), 'utf8').replace(
    'print(event)\n            return event',
    'print(event\n            return event',
  );
  const run = place.kflow('run', place.write('broken.yaml', topology));
  expect(await run.exited).toBe(1);
  expect(run.stderr).toMatch(/print-main-0 failed \(exit 78\)/);
  expect(run.stderr).toMatch(/line 2/);
  expect(run.stderr).not.toMatch(/node:internal/);
});

test('dead letters make the run fail, and the other records go through', async () => {
  const file = place.write(
    'poison.yaml',
    `jobId: poison
mode: batch
dag:
  - id: numbers
    type: raw-source
    schema: {type: record, name: number, fields: [{name: n, type: long}]}
    meta: {language: javascript, name: numbers, code: "function* numbers() { for (let n = 0; n < 100; n++) yield { n }; }"}
    out: [check]
  - id: check
    type: raw
    meta:
      maxDeliver: 2
      name: process
      code: |
        def process(ctx, event):
            if event["n"] == 13:
                raise ValueError("unlucky")
            return event
    out: [leaf]
  - {id: leaf, type: raw, meta: {name: process, code: "def process(ctx, event):\\n    return None"}}
`,
  );
  const run = place.kflow('run', file);
  expect(await run.exited).toBe(1);
  expect(table(run)).toEqual({ numbers: '- in, 100 out', check: '99 in, 99 out', leaf: '99 in, - out' });
  expect(run.stderr).toContain('check: 1 record sent to the dead letters');
  expect(place.read('.kflow/poison/logs/check-0.log')).toMatch(
    /attempt 2 of 2 failed, writing a dead letter: ValueError: unlucky/,
  );
});

test('rejects invalid options with a reason before the flow starts', async () => {
  const file = path.join(fixtures, 'auto-download.yaml');
  const say = async (...args: string[]) => {
    const run = place.kflow('run', file, '--set', 'mode=batch', ...args);
    expect(await run.exited).toBe(64);
    expect(run.stderr).not.toMatch(/\n {4}at /);
    return run.stderr;
  };
  place.write('file', '');
  expect(await say('--bucket', 'docs=nowhere')).toContain('--bucket docs=nowhere: no such directory');
  expect(await say('--bucket', 'docs=file')).toContain('--bucket docs=file: no such directory');
  expect(await say('--save', 'testjson')).toContain('--save: want NAME=DIR, a bucket and a directory, got "testjson"');
  expect(await say('--save', 'testjson=file')).toContain(
    '--save testjson=file: cannot write to the directory: not a directory',
  );
  expect(await say('--save', 'other=saved')).toContain(
    '--save other: no such bucket in the topology; its buckets: docs, testjson',
  );
});

test('lint accepts directories, and reports files that are not text', async () => {
  place.write('flows/deep/broken.yaml', 'jobId: Bad_Id\ndag: []\n');
  writeFileSync(path.join(place.folder, 'flows/binary.yml'), Buffer.from([0xff, 0xfe, 0x00, 0x80]));
  const run = place.kflow('lint', 'flows');
  expect(await run.exited).toBe(1);
  expect(run.stdout).toContain('flows/binary.yml:1:1  cannot read the file: not UTF-8 text');
  expect(run.stdout).toMatch(/flows\/deep\/broken\.yaml:1:8 {2}jobId {2}/);
});
