import path from 'node:path';
import { Workplace } from '../support/kflow-cli';
import { LifePlace } from '../support/life-place';
import type { RunningStack } from '../support/running-stack';

/** The source emits `perKey` records of each key, a round of all keys at a time. */
const keys = 12;
const perKey = 25;
const schema = JSON.stringify({
  type: 'record',
  name: 'numbered',
  fields: ['key', 'n', 'by'].map((name) => ({ name, type: name === 'by' ? 'string' : 'long' })),
});

/**
 * What both functions do: a record of key 1 fails once, one of key 2 always, and one of key 3 kills its replica once. Each
 * appends to `by` what it is.
 */
function codeOf(language: 'javascript' | 'python', folder: string): string {
  const file = (name: string) => JSON.stringify(path.join(folder, `${name}-${language}`));
  return language === 'javascript'
    ? `const fs = require('node:fs');
function first(file) {
  if (fs.existsSync(file)) return false;
  fs.writeFileSync(file, '');
  return true;
}
async function run(context, event) {
  await new Promise((resolve) => setTimeout(resolve, Number(event.n) % 3));
  if (event.key === 1 && event.n === 5 && first(${file('failed')})) throw new RangeError('once');
  if (event.key === 2 && event.n === 7) throw new RangeError('always');
  if (event.key === 3 && event.n === 9 && first(${file('killed')})) process.kill(process.ppid, 'SIGKILL');
  return { ...event, by: event.by + 'j' };
}`
    : `import os, signal, time
def first(file):
    if os.path.exists(file): return False
    open(file, "w").close()
    return True
def run(ctx, event):
    time.sleep(event["n"] % 3 / 1000)
    if event["key"] == 1 and event["n"] == 5 and first(${file('failed')}): raise ValueError("once")
    if event["key"] == 2 and event["n"] == 8: raise ValueError("always")
    if event["key"] == 3 and event["n"] == 9 and first(${file('killed')}): os.kill(os.getppid(), signal.SIGKILL)
    return {**event, "by": event["by"] + "p"}`;
}

/** One function after the other, both with replicas; the sink has the records in the order of the second one's output. */
function flowIn({ folder }: Workplace, jobId: string, mode: 'batch' | 'stream', rate: number): string {
  const numbers = `def numbers(ctx):
    for n in range(${perKey}):
        for key in range(${keys}):
            yield {"key": key, "n": n, "by": ""}`;
  const [javascript, python] = (['javascript', 'python'] as const).map((language) => ({
    name: 'run',
    language,
    code: codeOf(language, folder),
    maxDeliver: 2,
    concurrency: language === 'javascript' ? 4 : 1,
  }));
  const sink = { addr: 'minio:9000', topics: `s3a://${jobId}`, user: 'user', password: 'password' };
  const source = {
    type: 'raw-source',
    schema,
    partitionBy: 'key',
    meta: { name: 'numbers', code: numbers, rate },
  };
  return JSON.stringify({
    jobId,
    mode,
    dag: [
      { id: 'numbers', ...source, out: ['javascript'] },
      { id: 'javascript', type: 'raw', schema, parallelism: 2, meta: javascript, out: ['python'] },
      { id: 'python', type: 'raw', schema, parallelism: 3, meta: python, out: ['results'] },
      { id: 'results', type: 's3-sink', parallelism: 2, ...sink },
    ],
  });
}

interface Result {
  readonly key: number;
  readonly n: number;
  readonly by: string;
}

/** The numbers of each key in the order of the results. */
function numbersOf(results: readonly Result[]): number[][] {
  return Array.from({ length: keys }, (_, key) => results.filter((each) => each.key === key).map(({ n }) => n));
}

/** In order, without the letter of each function. */
const expected = Array.from({ length: keys }, (_, key) =>
  Array.from({ length: perKey }, (_, n) => n).filter((n) => key !== 2 || (n !== 7 && n !== 8)),
);

describe('kflow run', () => {
  const place = new Workplace();
  afterAll(() => place.remove());

  test('keeps the order of each key through replicas of both languages, a retry, a letter and a killed replica in each', async () => {
    place.write('flow.json', flowIn(place, 'ordered', 'batch', 400));
    const run = await place.ran('run', 'flow.json', '--save', 'ordered=saved', '--timeout', '300');
    expect([run.status, run.stderr]).toEqual([1, expect.stringContaining('list them with kflow dlq ordered')]);
    const results = place.records<Result>('saved');
    expect(numbersOf(results)).toEqual(expected);
    expect(new Set(results.map(({ by }) => by))).toEqual(new Set(['jp']));
  });
});

describe('a controller', () => {
  let place: Workplace;
  let stack: RunningStack;

  beforeAll(async () => {
    ({ place, stack } = await LifePlace.up());
  });

  test('keeps the order of each key while functions are scaled, killed, paused, and resumed', async () => {
    place.write('flow.json', flowIn(place, 'scaled', 'stream', 30));
    expect((await place.ran('submit', 'flow.json')).status).toBe(0);
    const flow = 'default/scaled';
    const done = (count: number) =>
      stack.until(flow, `${count} results`, ({ functions }) => (functions.at(-1)?.in ?? 0) >= count);
    await done(30);
    expect((await place.ran('scale', 'scaled', 'javascript=3', 'python=1')).status).toBe(0);
    await done(80);
    stack.killReplica(flow, 'python');
    expect((await place.ran('pause', 'scaled')).status).toBe(0);
    expect((await place.ran('resume', 'scaled')).status).toBe(0);
    expect((await place.ran('scale', 'scaled', 'javascript=1', 'python=4')).status).toBe(0);
    await done(keys * perKey - 2);
    expect(numbersOf((await stack.records('scaled')) as readonly Result[])).toEqual(expected);
  });
});
