import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { S3ObjectStore } from '../../runtime/adapters/s3/object-store';
import type { Step } from '../../runtime/api-contract/steps';
import { type KflowCommand, Workplace } from '../support/kflow-cli';
import { RunningStack } from '../support/running-stack';
import { waitFor } from '../support/wait-for';

const schema = '{type: record, name: n, fields: [{name: n, type: long}]}';
const store = 'addr: "minio:9000", user: minioadmin, password: minioadmin';
const place = new Workplace();
/** Each call of the first function is a line: the number, and the process that runs its host. */
const log = path.join(place.folder, 'calls');
/** While it is there, the first function does not return. */
const gate = path.join(place.folder, 'gate');

const document = `
jobId: stepped
mode: batch
parallelism: 2
globalConfig: { devStore: { enabled: DEV, topics: kflowinternal, ${store} } }
dag:
  - { id: list, type: fs-source, format: list, topics: s3a://texts, ${store}, out: [measure] }
  - { id: made, type: raw-source, schema: ${schema}, meta: { name: made, code: "def made(ctx): return None" }, out: [double] }
  - id: measure
    type: raw
    schema: ${schema}
    globalConfig: { store: { autoDownload: true, ${store} } }
    meta:
      name: run
      code: |
        import os
        def run(ctx, event):
            return {"n": os.path.getsize(ctx.get_downloader_local_object_url())}
    out: [double]
  - id: double
    type: raw
    schema: ${schema}
    meta:
      name: run
      code: |
        import os, time
        def run(ctx, event):
            with open("${log}", "a") as calls:
                calls.write(f"{event['n']} {os.getppid()}\\n")
            while os.path.exists("${gate}"):
                time.sleep(0.01)
            if event["n"] < 0:
                raise ValueError("below 0")
            return {"n": event["n"] * 2}
    out: [label]
  - id: label
    type: raw
    schema: ${schema}
    meta:
      language: typescript
      name: run
      code: |
        export function run(ctx: unknown, event: { n: number }) {
          return [{ n: event.n + 1 }, { n: event.n + 2 }];
        }
    out: [results]
  - { id: results, type: s3-sink, topics: s3a://results, ${store} }
`;

afterAll(() => place.remove());

const prefix = (flow: string, fn: string) => `kflow-dev/${flow}/${fn}/`;
const calls = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []);

/** A client of the store that puts objects and reads results, as any other. */
class Folders {
  constructor(
    private readonly store: S3ObjectStore,
    private readonly flow: string,
  ) {}

  put(fn: string, name: string, content: string): Promise<void> {
    return this.store.put('kflowinternal', `${prefix(this.flow, fn)}in/${name}`, Buffer.from(content));
  }

  async result(fn: string, name: string, run = 1): Promise<Step> {
    const key = `${prefix(this.flow, fn)}out/${name}`;
    const read = async () => {
      const bytes = await this.store.get('kflowinternal', key).catch(() => undefined);
      return bytes === undefined ? undefined : (JSON.parse(Buffer.from(bytes).toString()) as Step);
    };
    const found = await waitFor(`run ${run} of ${fn} ${name}`, read, (step) => step?.run === run);
    return found as Step;
  }

  /** Puts objects, kills the replica that runs the first of them, and expects a single result of each. */
  async expectContinued(): Promise<void> {
    writeFileSync(gate, '');
    const before = calls().length;
    const names = Array.from({ length: 10 }, (_, n) => `kill-${n}`);
    for (const [n, name] of names.entries()) await this.put('double', name, JSON.stringify({ n: 100 + n }));
    const running = await waitFor(
      'a call',
      () => calls().slice(before),
      (found) => found.length > 0,
    );
    const [n, pid] = (running[0] ?? '').split(' ').map(Number);
    process.kill(pid ?? 0, 'SIGKILL');
    rmSync(gate);
    for (const [index, name] of names.entries()) {
      expect(await this.result('double', name)).toMatchObject({ state: 'done', outputs: [{ n: 2 * (100 + index) }] });
    }
    const again = calls()
      .slice(before)
      .map((line) => Number(line.split(' ')[0]));
    expect(new Set(again)).toEqual(new Set(names.map((_, index) => 100 + index)));
    // the one that was killed was called twice; no other was
    expect(again.filter((each) => each !== n)).toHaveLength(9);
  }
}

describe('kflow run --dev', () => {
  let run: KflowCommand;
  let folders: Folders;
  let objects: S3ObjectStore;
  beforeAll(async () => {
    place.write('stepped.yaml', document.replace('DEV', 'false'));
    place.write('texts/testfile.csv', 'five!');
    run = place.kflow('run', 'stepped.yaml', '--dev', '--bucket', 'texts=texts');
    const endpoint = await run.waitFor(/store +(http\S+)/);
    const credentials = JSON.parse(
      readFileSync(path.join(place.folder, '.kflow/stepped/servers/s3/credentials.json'), 'utf8'),
    );
    objects = new S3ObjectStore({ addr: endpoint, ...credentials });
    folders = new Folders(objects, 'default/stepped');
  });
  afterAll(async () => {
    await objects?.close();
    run.process.kill('SIGINT');
    await run.exited;
  });

  const dev = async (...args: string[]) => {
    const { status, stdout, stderr } = await place.ran('dev', ...args, '-o', 'json');
    return { status, stderr, value: stdout === '' ? undefined : JSON.parse(stdout) };
  };

  test('tells the folders, and runs no source', async () => {
    expect(run.stderr).toContain('s3a://kflowinternal/kflow-dev/default/stepped/double/in/');
    expect(run.stderr).not.toMatch(/list-0|results-0/);
  });

  test('runs a function on each object that is put, in both languages, with errors', async () => {
    await folders.put('double', 'a.json', '{"n": 4}');
    expect(await folders.result('double', 'a.json')).toMatchObject({ state: 'done', outputs: [{ n: 8 }] });
    await folders.put('double', 'bad.jsonl', '{"n": 1}\n{"n": -1}\n');
    const failed = await folders.result('double', 'bad.jsonl');
    expect(failed).toMatchObject({ state: 'failed', error: 'ValueError: below 0', outputs: [{ n: 2 }] });
    expect(failed.errors).toMatchObject([{ record: 1, trace: expect.stringContaining('below 0') }]);
    await folders.put('label', 'b.json', '[{"n": 1}, {"n": 5}]');
    expect((await folders.result('label', 'b.json')).outputs).toEqual([2, 3, 6, 7].map((n) => ({ n })));
  });

  test("answers the documents' request", async () => {
    const url = await run.waitFor(/api +(http\S+\/kflows\/devstore\/v1),/);
    const body = {
      cursor: 'testfile.csv',
      execFnId: 'measure',
      simFnId: 'list',
      namespace: 'default',
      jobId: 'stepped',
    };
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(await answer.json()).toMatchObject({ function: 'measure', state: 'done', outputs: [{ n: 5 }] });
    const other = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ ...body, jobId: 'other' }) });
    expect([other.status, await other.json()]).toMatchObject([404, { code: 'flow-missing' }]);
  });

  test('runs the same content again each time it is put', async () => {
    for (const count of [1, 2, 3]) {
      await folders.put('label', 'same', '{"n": 1}');
      await folders.result('label', 'same', count);
    }
  });

  test('an object that is no record stands for itself where a source lists objects', async () => {
    await folders.put('measure', 'in/photo.bin', 'seven!!');
    expect(await folders.result('measure', 'in/photo.bin')).toMatchObject({ state: 'done', outputs: [{ n: 7 }] });
  });

  test('a replica that is killed continues', () => folders.expectContinued());

  test('moves records by command', async () => {
    const first = await dev('step', 'stepped', 'double', 'x', '--records', '{"n": -3}');
    expect(first).toMatchObject({ status: 1, value: { state: 'failed', error: 'ValueError: below 0' } });
    const edited = await dev('edit', 'stepped', 'double', 'x', '--records', '{"n": 3}');
    expect(edited).toMatchObject({ status: 0, value: { state: 'done', run: 2, outputs: [{ n: 6 }] } });
    const moved = await dev('next', 'stepped', 'double', 'x');
    expect(moved).toMatchObject({ status: 0, value: { function: 'label', outputs: [{ n: 7 }, { n: 8 }] } });
    expect((await dev('next', 'stepped', 'label', 'x')).stderr).toContain('results: a sink');
    const simulated = await dev('simulate', 'stepped', 'measure', 'list', 'testfile.csv');
    expect(simulated).toMatchObject({ status: 0, value: { outputs: [{ n: 5 }] } });
    const far = await dev('run-to', 'stepped', 'measure', 'testfile.csv', 'label');
    expect(far.value).toMatchObject([{ function: 'double' }, { function: 'label', outputs: [{ n: 11 }, { n: 12 }] }]);
    expect((await dev('drop', 'stepped', 'double', 'x')).status).toBe(0);
    expect(await dev('show', 'stepped', 'double', 'x')).toMatchObject({ status: 1 });
    const refused = await dev('step', 'stepped', 'double', 'y', '--records', '{"n": "x"}');
    expect(refused.stderr).toContain('n: expected long, got string "x"');
  });
});

describe('a flow of the controller', () => {
  let stack: RunningStack;
  let folders: Folders;
  let objects: S3ObjectStore;
  beforeAll(async () => {
    stack = await RunningStack.up(place);
    const { endpoint, user, password } = stack.file.s3;
    objects = new S3ObjectStore({ addr: endpoint, user, password });
    folders = new Folders(objects, 'default/stepped');
    await stack.put('texts', ['testfile.csv']);
    expect(await stack.call('POST', '/kflows/v1/default/stepped', document.replace('DEV', 'true'))).toMatchObject({
      status: 201,
    });
    await stack.until('default/stepped', 'to be healthy', ({ health }) => health.state === 'healthy');
  });
  afterAll(async () => {
    await objects?.close();
    await stack?.close();
    await place.ran('down');
  });

  test('tells the folders in its status, and takes what is put', async () => {
    const { devInsOuts, mode } = await stack.status('default/stepped');
    expect(mode).toBe('stream');
    expect(devInsOuts.map(({ function: id, bucket, inDir }) => [id, bucket, inDir])).toEqual(
      ['measure', 'double', 'label'].map((id) => [id, 'kflowinternal', `kflow-dev/default/stepped/${id}/in/`]),
    );
    await folders.put('double', 'a.json', '{"n": 4}');
    expect(await folders.result('double', 'a.json')).toMatchObject({ state: 'done', outputs: [{ n: 8 }] });
  });

  test("answers the documents' request", async () => {
    const request = { namespace: 'default', jobId: 'stepped' };
    const ask = (body: object) => stack.call('POST', '/kflows/devstore/v1', { ...request, ...body });
    const listed = await ask({ cursor: 'testfile.csv', execFnId: 'measure', simFnId: 'list' });
    expect(listed).toMatchObject({ status: 200, body: { state: 'done', outputs: [{ n: 12 }] } });
    const next = await ask({ cursor: 'testfile.csv', execFnId: 'double', simFnId: 'measure' });
    expect(next).toMatchObject({ status: 200, body: { state: 'done', run: 1, outputs: [{ n: 24 }] } });
    const again = await ask({ cursor: 'testfile.csv', execFnId: 'double', simFnId: 'measure' });
    expect(again).toMatchObject({ status: 200, body: { run: 1 } });
    expect(await ask({ cursor: 'none', execFnId: 'double', simFnId: 'made' })).toMatchObject({ status: 404 });
  });

  test('a replica that is killed continues', () => folders.expectContinued());

  test('removes the folders with the flow', async () => {
    await stack.call('DELETE', '/kflows/v1/default/stepped');
    await stack.until('default/stepped', 'to be closed', ({ closeTime }) => closeTime !== null);
    expect(await stack.keys('kflowinternal', 'kflow-dev/default/stepped/')).toEqual([]);
  });
});
