import path from 'node:path';
import { Workplace } from '../support/kflow-cli';
import { LifePlace } from '../support/life-place';
import type { RunningStack } from '../support/running-stack';

/** The source emits the numbers from 0; each function gives up every fourth of them until it is repaired. */
const count = 40;
const languages = ['javascript', 'python'] as const;
const schema = JSON.stringify({
  type: 'record',
  name: 'numbered',
  fields: [
    { name: 'n', type: 'long' },
    { name: 'by', type: 'string', default: '' },
  ],
});

/** With the file `repaired`, the function kills its replica at its first redriven record, and works from then on. */
function codeOf(language: (typeof languages)[number], folder: string): string {
  const file = (name: string) => JSON.stringify(path.join(folder, name));
  const killed = file(`killed-${language}`);
  return language === 'javascript'
    ? `const fs = require('node:fs');
function run(context, event) {
  if (event.n % 4 === 1) {
    if (!fs.existsSync(${file('repaired')})) throw new RangeError('not yet');
    if (!fs.existsSync(${killed})) { fs.writeFileSync(${killed}, ''); process.kill(process.ppid, 'SIGKILL'); }
  }
  return { n: event.n, by: 'javascript' };
}`
    : `import os, signal
def run(ctx, event):
    if event["n"] % 4 == 1:
        if not os.path.exists(${file('repaired')}):
            raise ValueError("not yet")
        if not os.path.exists(${killed}):
            open(${killed}, "w").close()
            os.kill(os.getppid(), signal.SIGKILL)
    return {"n": event["n"], "by": "python"}`;
}

function flowIn({ folder }: Workplace, jobId: string): string {
  const functions = languages.map((language) => ({
    id: language,
    type: 'raw',
    schema,
    meta: { name: 'run', language, code: codeOf(language, folder), maxDeliver: 2 },
    out: ['results'],
  }));
  const numbers = `def numbers(ctx):\n    for n in range(${count}): yield {"n": n, "by": ""}`;
  return JSON.stringify({
    jobId,
    mode: 'batch',
    dag: [
      { id: 'numbers', type: 'raw-source', schema, meta: { name: 'numbers', code: numbers }, out: [...languages] },
      ...functions,
      {
        id: 'results',
        type: 's3-sink',
        addr: 'minio:9000',
        topics: `s3a://${jobId}`,
        user: 'user',
        password: 'password',
      },
    ],
  });
}

/** A batch whose only record is too large for the stream, and is given up. */
const largeText = 'x'.repeat(3 * 1024 ** 2);
const textSchema = JSON.stringify({ type: 'record', name: 'text', fields: [{ name: 'text', type: 'string' }] });
const largeFlow = JSON.stringify({
  jobId: 'large',
  mode: 'batch',
  globalConfig: { messageStore: { enabled: true, addr: 'minio:9000', user: 'user', password: 'password' } },
  dag: [
    {
      id: 'texts',
      type: 'raw-source',
      schema: textSchema,
      globalConfig: { messageStore: { enabled: true } },
      meta: { name: 'texts', code: `def texts():\n    yield {"text": "x" * ${largeText.length}}` },
      out: ['fails'],
    },
    {
      id: 'fails',
      type: 'raw',
      meta: { name: 'run', code: 'def run(ctx, event): raise ValueError("no")', maxDeliver: 1 },
    },
  ],
});

/** `kflow dlq` shows the record of a large letter in part, and all of it if that is asked for, or exports it. */
async function expectLargeLetter(place: Workplace): Promise<void> {
  const shown = await place.ran('dlq', 'large', 'show', '1');
  expect(shown).toMatchObject({ status: 0, stdout: expect.stringContaining('{"text":"xxxx') });
  expect(shown.stdout).toContain('characters of the record; --raw writes the message');
  expect(shown.stdout.length).toBeLessThan(12_000);
  const whole = JSON.parse((await place.ran('dlq', 'large', 'show', '1', '-o', 'json')).stdout);
  expect(JSON.parse(whole.json)).toEqual({ text: largeText });
  const exported = await place.ran('dlq', 'large', 'export');
  expect([exported.status, JSON.parse(JSON.parse(exported.stdout).json)]).toEqual([0, { text: largeText }]);
  const { status, stdout } = await place.ran('dlq', 'large', 'show', '1', '--raw');
  expect([status, stdout.endsWith(largeText)]).toEqual([0, true]);
}

interface Result {
  readonly n: number;
  readonly by: string;
}

/** The numbers of a function in the sink, sorted. */
function numbersOf(results: readonly Result[], language: string): number[] {
  return results
    .filter(({ by }) => by === language)
    .map(({ n }) => n)
    .sort((one, other) => one - other);
}

const all = Array.from({ length: count }, (_, n) => n);
const first = all.filter((n) => n % 4 !== 1);

describe('kflow run', () => {
  const place = new Workplace();
  afterAll(() => place.remove());

  test('keeps the data of a run with letters; run --keep processes those that are redriven, through a killed replica', async () => {
    place.write('flow.json', flowIn(place, 'kept'));
    const run = await place.ran('run', 'flow.json', '--save', 'kept=before', '--timeout', '300');
    expect([run.status, run.stderr]).toEqual([1, expect.stringContaining('list them with kflow dlq kept')]);
    for (const language of languages) expect(numbersOf(place.records('before'), language)).toEqual(first);

    const groups = JSON.parse((await place.ran('dlq', 'kept', '-o', 'json')).stdout);
    expect(groups).toMatchObject(languages.map(() => ({ letters: count / 4, place: expect.stringContaining('run') })));
    const waited = await place.ran('dlq', 'kept', 'redrive', '--all', '--wait');
    expect([waited.status, waited.stderr]).toEqual([64, expect.stringContaining('the run of default/kept has ended')]);
    place.write('repaired', '');
    const redrive = await place.ran('dlq', 'kept', 'redrive', '--all', '--comment', 'repaired');
    expect([redrive.status, redrive.stdout]).toEqual([0, expect.stringMatching(/^20 letters queued, redrive \S+/)]);

    const again = await place.ran('run', 'flow.json', '--keep', '--save', 'kept=after', '--timeout', '300');
    expect([again.status, again.stderr]).toEqual([0, expect.not.stringContaining('sent to the dead letters')]);
    for (const language of languages) expect(numbersOf(place.records('after'), language)).toEqual(all);
    expect((await place.ran('dlq', 'kept')).stdout).toBe('no letters\n');
  });

  test('shows a large record of a run that has ended', async () => {
    place.write('large.json', largeFlow);
    expect((await place.ran('run', 'large.json', '--timeout', '300')).status).toBe(1);
    await expectLargeLetter(place);
  });
});

describe('a controller', () => {
  let place: Workplace;
  let stack: RunningStack;

  beforeAll(async () => {
    ({ place, stack } = await LifePlace.up());
  });

  test('completes a batch again after its letters are redriven, through a kill of the replicas and of itself', async () => {
    place.write('flow.json', flowIn(place, 'again'));
    expect((await place.ran('submit', 'flow.json')).status).toBe(0);
    const flow = 'default/again';
    const before = await stack.until(flow, 'a completed batch', ({ status }) => status === 'Completed');
    expect(before).toMatchObject({
      reason: expect.stringContaining('completed with dead letters of'),
      health: { problems: languages.map((id) => ({ function: id, reason: 'DeadLetters' })) },
    });
    expect(before.functions.find((fn) => fn.function === 'python')).toMatchObject({
      dead: count / 4,
      oldestDead: expect.stringMatching(/^\d{4}-/),
    });
    for (const language of languages) expect(numbersOf(await stack.records('again'), language)).toEqual(first);

    place.write('repaired', '');
    const redrive = await place.ran('dlq', 'again', 'redrive', '--all', '--comment', 'repaired');
    expect([redrive.status, redrive.stdout]).toEqual([0, expect.stringMatching(/^20 letters queued/)]);
    stack.kill('controller');
    const after = await stack.until(
      flow,
      'a completed batch without letters',
      ({ status, functions }) => status === 'Completed' && functions.every(({ dead }) => dead === 0),
    );
    expect(after).not.toHaveProperty('reason');
    expect(after.health.problems).toEqual([]);
    for (const language of languages) expect(numbersOf(await stack.records('again'), language)).toEqual(all);
    expect((await place.ran('events', 'again')).stdout).toMatch(/redrive .*javascript \(10 records\).*"repaired"/);
  });

  test('shows a large record', async () => {
    place.write('large.json', largeFlow);
    expect((await place.ran('submit', 'large.json')).status).toBe(0);
    await stack.until('default/large', 'a completed batch', ({ status }) => status === 'Completed');
    await expectLargeLetter(place);
  });
});
