import { StepDesk } from '../../../runtime/steps/step-desk';
import { findObject, objectsIn } from '../../../runtime/steps/step-objects';
import { readResult, versionOf, writeResult } from '../../../runtime/steps/step-result';
import { MemoryObjectStore } from '../../support/memory-object-store';
import { waitFor } from '../../support/wait-for';
import { planOf } from '../plan/planned';

const schema = 'schema: {type: record, name: r, fields: [{name: n, type: long}]}';
const code = 'meta: {name: f, code: "def f(ctx, e): return e"}';
const plan = planOf(`
jobId: job
globalConfig: { devStore: { enabled: true, addr: "s3:1", topics: dev, user: u, password: p } }
dag:
  - { id: list, type: fs-source, format: list, addr: "s3:1", user: u, password: p, topics: "s3a://objects/day", out: [a] }
  - { id: made, type: raw-source, ${schema}, ${code}, out: [c] }
  - { id: a, type: raw, ${schema}, ${code}, out: [b, c] }
  - { id: b, type: raw, ${schema}, ${code}, out: [d], sideOuts: [{ id: odd, ${schema}, out: [c] }] }
  - { id: c, type: raw, ${schema}, ${code}, out: [d] }
  - { id: d, type: raw, ${schema}, ${code}, out: [sink] }
  - { id: sink, type: nats-sink, topics: made }
`);

/** The desk of a flow whose functions add 1 to each number; those below 0 fail. */
class SteppedFlow {
  private clock = 1;
  readonly store = new MemoryObjectStore(() => this.clock++);
  readonly desk = new StepDesk({ plan, open: () => this.store, waitMs: 30_000 });
  /** As in `a x`. */
  readonly runs: string[] = [];
  private readonly stop = new AbortController();

  async open(): Promise<this> {
    for (const bucket of ['dev', 'objects']) await this.store.ensureBucket(bucket);
    void this.run();
    return this;
  }

  close(): void {
    this.stop.abort();
  }

  private async run(): Promise<void> {
    const ran = new Map<string, string>();
    while (!this.stop.signal.aborted) {
      for (const fn of plan.devStore?.functions ?? []) {
        for await (const { name, object } of objectsIn(this.store, 'dev', fn.inDir)) {
          const version = JSON.stringify(versionOf(object));
          if (ran.get(object.key) === version) continue;
          ran.set(object.key, version);
          this.runs.push(`${fn.function} ${name}`);
          const text = Buffer.from(await this.store.get('dev', object.key)).toString();
          const inputs = [JSON.parse(text)].flat() as { n: number }[];
          const outputs = inputs.filter(({ n }) => n >= 0).map(({ n }) => ({ n: n + 1 }));
          const failed = inputs.length > outputs.length;
          const before = await readResult(this.store, { bucket: 'dev', ...fn }, name);
          await writeResult(
            this.store,
            { bucket: 'dev', ...fn },
            {
              function: fn.function,
              name,
              state: failed ? 'failed' : 'done',
              run: (before?.run ?? 0) + 1,
              object: versionOf(object),
              inputs,
              outputs,
              sideOutputs: fn.function === 'b' ? { odd: [{ n: 100 }] } : {},
              errors: failed ? [{ record: 0, type: 'E', message: 'below 0' }] : [],
            },
          );
        }
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

let flow: SteppedFlow;
beforeEach(async () => {
  flow = await new SteppedFlow().open();
});
afterEach(() => flow.close());

const out = (
  steps: readonly { readonly function: string; readonly name: string; readonly outputs: readonly unknown[] }[],
) => steps.map(({ function: id, name, outputs }) => [id, name, outputs]);

test('runs a function on records, and again on what is there', async () => {
  expect(await flow.desk.step('b', 'x', [{ n: 1 }])).toMatchObject({ state: 'done', run: 1, outputs: [{ n: 2 }] });
  expect(await flow.desk.step('b', 'x')).toMatchObject({ run: 2, outputs: [{ n: 2 }] });
  expect(await flow.desk.list('b')).toMatchObject([{ function: 'b', name: 'x', state: 'done', run: 2, inputs: 1 }]);
});

test('refuses records that do not fit, and names the field', async () => {
  await expect(flow.desk.step('b', 'x', [{ n: 1 }, { n: 'y' }])).rejects.toMatchObject({
    code: 'setting-invalid',
    message: expect.stringContaining('b: x: [1]: the record does not fit the schema of the input: n: expected long'),
  });
  expect(await flow.desk.list()).toEqual([]);
});

test('hands outputs to the next functions, each input of a function under its own name', async () => {
  await flow.desk.step('b', 'x', [{ n: 1 }]);
  const moved = await flow.desk.next('b', 'x');
  expect(out(moved.steps)).toEqual([
    ['d', 'x@b', [{ n: 3 }]],
    ['c', 'x@b', [{ n: 101 }]],
  ]);
  expect((await flow.desk.next('d', 'x@b')).ends).toEqual(['sink']);
});

test('runs as far as a function, on every way', async () => {
  await flow.desk
    .step('a', 'x', [{ url: '', lastModifiedUnixMilli: 1, bucket: 'b', key: 'k', n: 1 }])
    .catch(() => undefined);
  await flow.desk.step('b', 'x', [{ n: 1 }]);
  const { steps } = await flow.desk.runTo('b', 'x', 'd');
  expect(out(steps)).toEqual([
    ['d', 'x@b', [{ n: 3 }]],
    ['c', 'x@b', [{ n: 101 }]],
    ['d', 'x@b@c', [{ n: 102 }]],
  ]);
  await expect(flow.desk.runTo('d', 'x@b', 'b')).rejects.toThrow('no way leads from "d" to "b"');
});

test('ends at a function that fails', async () => {
  await flow.desk.step('b', 'x', [{ n: -5 }]);
  const { steps } = await flow.desk.runTo('b', 'x', 'd');
  // the side output still moves
  expect(out(steps).map(([id]) => id)).toEqual(['c', 'd']);
});

test('edits what is there, and drops it', async () => {
  await expect(flow.desk.edit('b', 'x', [{ n: 1 }])).rejects.toMatchObject({ code: 'step-missing' });
  await flow.desk.step('b', 'x', [{ n: -1 }]);
  expect(await flow.desk.edit('b', 'x', [{ n: 5 }])).toMatchObject({ state: 'done', run: 2, outputs: [{ n: 6 }] });
  await flow.desk.drop('b', 'x');
  expect(await flow.desk.list()).toEqual([]);
  expect(await findObject(flow.store, 'dev', 'kflow-dev/default/job/b/out/x')).toBeUndefined();
});

describe('simulates', () => {
  test('a function by its result, once', async () => {
    await flow.desk.step('b', 'x', [{ n: 1 }]);
    const request = { cursor: 'x', execFnId: 'd', simFnId: 'b' };
    expect(await flow.desk.simulate(request)).toMatchObject({ function: 'd', inputs: [{ n: 2 }], outputs: [{ n: 3 }] });
    expect(await flow.desk.simulate(request)).toMatchObject({ run: 1 });
    expect(flow.runs).toEqual(['b x', 'd x']);
  });

  test('a side output by that of its result', async () => {
    await flow.desk.step('b', 'x', [{ n: 1 }]);
    const step = await flow.desk.simulate({ cursor: 'x', execFnId: 'c', simFnId: 'b' });
    expect(step.inputs).toEqual([{ n: 100 }]);
  });

  test('a source that lists objects by the object', async () => {
    await flow.store.put('objects', 'day/testfile.csv', Buffer.from('a,b'));
    const step = await flow.desk.simulate({ cursor: 'day/testfile.csv', execFnId: 'a', simFnId: 'list' });
    expect(step.inputs).toMatchObject([
      { url: 's3a://objects/day/testfile.csv', bucket: 'objects', key: 'day/testfile.csv' },
    ]);
  });

  test('another source by what was put', async () => {
    await flow.store.put('dev', 'kflow-dev/default/job/c/in/mine', Buffer.from('{"n": 4}'));
    const step = await flow.desk.simulate({ cursor: 'mine', execFnId: 'c', simFnId: 'made' });
    expect(step).toMatchObject({ inputs: [{ n: 4 }], outputs: [{ n: 5 }] });
  });

  test('any function or source by records in its outDir', async () => {
    for (const [id, exec] of [
      ['made', 'c'],
      ['b', 'd'],
    ]) {
      const records = Buffer.from('[{"n": 6}, {"n": 7}]');
      await flow.store.put('dev', `kflow-dev/default/job/${id}/out/mine`, records);
      const step = await flow.desk.simulate({ cursor: 'mine', execFnId: exec ?? '', simFnId: id ?? '' });
      expect(step).toMatchObject({ function: exec, inputs: [{ n: 6 }, { n: 7 }], outputs: [{ n: 7 }, { n: 8 }] });
    }
  });

  test('nothing, and says where it looked', async () => {
    await expect(flow.desk.simulate({ cursor: 'x', execFnId: 'a', simFnId: 'list' })).rejects.toMatchObject({
      code: 'step-missing',
      message:
        'a: there is no object "x" at s3a://objects/day, and no records at kflow-dev/default/job/list/out/x, and no object at kflow-dev/default/job/a/in/x; put one',
    });
    await expect(flow.desk.simulate({ cursor: 'x', execFnId: 'a', simFnId: 'lost' })).rejects.toMatchObject({
      code: 'edge-unknown',
    });
  });
});

test('names the functions that run step by step', async () => {
  await expect(flow.desk.step('sink', 'x', [{ n: 1 }])).rejects.toMatchObject({
    code: 'edge-unknown',
    message: 'no process has the id "sink"; step by step run: a, b, c, d',
  });
});

test('a flow that does not run step by step has no desk', () => {
  const { devStore: _, ...other } = plan;
  expect(() => new StepDesk({ plan: other, open: () => flow.store, waitMs: 0 })).toThrow(
    expect.objectContaining({ code: 'state-invalid' }),
  );
});

test('tells results once, each time that they change', async () => {
  const seen = new Map<string, string>();
  const read = async () => {
    const found: string[] = [];
    for await (const { function: id, name, run } of flow.desk.newResults(seen)) found.push(`${id} ${name} ${run}`);
    return found;
  };
  await flow.desk.step('b', 'x', [{ n: 1 }]);
  await flow.desk.step('c', 'x', [{ n: 1 }]);
  expect(await read()).toEqual(['b x 1', 'c x 1']);
  expect(await read()).toEqual([]);
  await flow.desk.step('c', 'x');
  expect(await read()).toEqual(['c x 2']);
});

test('an object without a result waits', async () => {
  const desk = new StepDesk({ plan, open: () => flow.store, waitMs: 0 });
  flow.close();
  await waitFor(
    'the end of the functions',
    async () => desk.step('b', 'x', [{ n: 1 }]),
    ({ state }) => state === 'waiting',
  );
  await expect(desk.next('b', 'x')).rejects.toMatchObject({ code: 'state-invalid' });
});
