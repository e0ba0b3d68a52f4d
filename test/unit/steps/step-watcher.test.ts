import type { StepOutcome } from '../../../runtime/steps/step-loop';
import { StepRecords } from '../../../runtime/steps/step-records';
import { StepWatcher } from '../../../runtime/steps/step-watcher';
import { MemoryObjectStore } from '../../support/memory-object-store';
import { waitFor } from '../../support/wait-for';

const bucket = 'dev';
const place = { bucket, inDir: 'f/in/', outDir: 'f/out/' };
const schema = { type: 'record', name: 'n', fields: [{ name: 'n', type: 'long' }] };

/** A watcher over a store in memory and a function that the test stands for. */
class WatchedFolder {
  /** Of the store; it rounds to seconds if they are whole. */
  clock = Date.parse('2026-01-31T08:00:00.123Z');
  now = 0;
  readonly store = new MemoryObjectStore(() => this.clock);
  /** Names of the objects that were run. */
  readonly runs: string[] = [];
  outcome: (name: string) => Promise<StepOutcome> = async () => done;
  private stop = new AbortController();
  private watching: Promise<void> = Promise.resolve();

  async open(): Promise<this> {
    await this.store.ensureBucket(bucket);
    this.start();
    return this;
  }

  start(): void {
    const { store } = this;
    this.stop = new AbortController();
    const watcher = new StepWatcher({
      function: 'f',
      store,
      place,
      records: new StepRecords({ schemas: [schema] }),
      loop: {
        run: async (name) => {
          this.runs.push(name);
          return this.outcome(name);
        },
        free: async () => undefined,
      },
      log: () => undefined,
      now: () => this.now,
    });
    this.watching = watcher.watch(this.stop.signal);
    this.watching.catch(() => undefined);
  }

  /** Ends without a word, like a process that was killed. */
  kill(): void {
    this.stop.abort();
  }

  put(name: string, text = '{"n": 1}'): Promise<void> {
    this.clock += 1;
    return this.store.put(bucket, place.inDir + name, Buffer.from(text));
  }

  async result(name: string) {
    const keys: string[] = [];
    for await (const { key } of this.store.list(bucket, place.outDir)) keys.push(key);
    if (!keys.includes(place.outDir + name)) return undefined;
    return JSON.parse(Buffer.from(await this.store.get(bucket, place.outDir + name)).toString());
  }

  run(name: string, run: number) {
    return waitFor(
      `run ${run} of ${name}`,
      () => this.result(name),
      (result) => result?.run === run,
    );
  }
}

const done: StepOutcome = { outputs: [{ n: 2 }], sideOutputs: {}, errors: [] };
let folder: WatchedFolder;
beforeEach(async () => {
  folder = await new WatchedFolder().open();
});
afterEach(() => folder.kill());

test('runs an object, and writes its result under its name', async () => {
  await folder.put('a/b.json');
  expect(await folder.run('a/b.json', 1)).toMatchObject({
    function: 'f',
    name: 'a/b.json',
    state: 'done',
    inputs: [{ n: 1 }],
    outputs: [{ n: 2 }],
    errors: [],
  });
});

test('runs an object once for each time that it is put, with the same content too', async () => {
  for (const run of [1, 2, 3]) {
    await folder.put('a');
    await folder.run('a', run);
  }
  await folder.put('b');
  await folder.run('b', 1);
  expect(folder.runs).toEqual(['a', 'a', 'a', 'b']);
});

test('with a store that rounds to seconds, waits until no other version can look the same', async () => {
  folder.clock = Date.parse('2026-01-31T08:00:00.000Z') - 1;
  await folder.put('first');
  folder.clock += 1;
  await folder.put('second');
  await folder.run('second', 1);
  expect(folder.runs).toEqual(['second']);
  folder.now = 1_000;
  await folder.run('first', 1);
});

test('says what is wrong with an object that is no record of the function, which is not run', async () => {
  await folder.put('bad', '{"n": "x"}');
  const result = await folder.run('bad', 1);
  expect(result).toMatchObject({ state: 'failed', inputs: [], outputs: [] });
  expect(result.error).toBe(
    'FunctionError: the record does not fit the schema of the input: n: expected long, got string "x"; use Number(text) or BigInt(text)',
  );
  expect(folder.runs).toEqual([]);
});

test('writes the error of a function', async () => {
  const error = { record: 0, type: 'ValueError', message: 'no', trace: 'File f, line 2' };
  folder.outcome = async () => ({ outputs: [], sideOutputs: {}, errors: [error] });
  await folder.put('a');
  expect(await folder.run('a', 1)).toMatchObject({ state: 'failed', error: 'ValueError: no', errors: [error] });
});

test('a watcher that is killed during a run runs the object again, as the same run; one that is killed after it does not', async () => {
  folder.outcome = () => new Promise(() => undefined);
  await folder.put('a');
  await waitFor(
    'the run',
    () => folder.runs,
    (runs) => runs.length === 1,
  );
  folder.kill();
  folder.outcome = async () => done;
  folder.start();
  await folder.run('a', 1);
  folder.kill();
  folder.start();
  await folder.put('b');
  await folder.run('b', 1);
  expect(folder.runs).toEqual(['a', 'a', 'b']);
  expect(await folder.result('a')).toMatchObject({ run: 1 });
});

test('writes no result of an object that was removed while it ran', async () => {
  let end: () => void = () => undefined;
  folder.outcome = async (name) => {
    if (name === 'a') await new Promise<void>((resolve) => (end = resolve));
    return done;
  };
  await folder.put('a');
  await waitFor(
    'the run',
    () => folder.runs,
    (runs) => runs.length === 1,
  );
  await folder.store.delete(bucket, [`${place.inDir}a`]);
  end();
  await folder.put('b');
  await folder.run('b', 1);
  expect(await folder.result('a')).toBeUndefined();
});

test('an object that is put again while it runs is run again', async () => {
  let end: () => void = () => undefined;
  folder.outcome = async () => {
    if (folder.runs.length === 1) await new Promise<void>((resolve) => (end = resolve));
    return done;
  };
  await folder.put('a');
  await waitFor(
    'the run',
    () => folder.runs,
    (runs) => runs.length === 1,
  );
  await folder.put('a', '{"n": 7}');
  end();
  expect(await folder.run('a', 2)).toMatchObject({ inputs: [{ n: 7 }] });
  expect(folder.runs).toEqual(['a', 'a']);
});

test('waits while the store is away', async () => {
  folder.store.failure = 'unavailable';
  folder.store.failure = undefined;
  await folder.put('a');
  await folder.run('a', 1);
});
