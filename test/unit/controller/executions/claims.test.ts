import { ExecutionStage, type SentOrder } from '../../../support/execution-stage';

const large = { n: 7, text: 'x'.repeat(70_000) };
const items = Array.from({ length: 3 }, (_, at) => ({ at, text: 'x'.repeat(30_000) }));

/** The wire claim of an object with the value. */
function claimed(run: ExecutionStage, key: string, value: unknown): object {
  run.objects.set(key, value);
  return { $claim: { key, bytes: JSON.stringify(value).length } };
}

/** What stands for an object in the state. */
const standsFor = (key: string, more = {}) => ({ $claim: { key, bytes: expect.any(Number), mark: '', ...more } });

function outcome({ ended }: ExecutionStage): unknown {
  return ended?.state.outcome;
}

describe.each([false, true])('a claim, in new runs of the workflow: %s,', (continuesAlways) => {
  async function start(flow: string, input?: unknown): Promise<ExecutionStage> {
    const run = new ExecutionStage();
    run.continuesAlways = continuesAlways;
    return run.start(flow, input);
  }

  test('is passed on as it is', async () => {
    const run = await start('A → { B C } → D');
    await run.succeed('A', claimed(run, 'a', large));
    expect(run.order('B').input).toEqual(standsFor('a'));
    await run.succeed('B', { b: 1 });
    await run.succeed('C', claimed(run, 'c', large));
    expect(run.order('D').input).toEqual([{ b: 1 }, standsFor('c')]);
    await run.succeed('D', claimed(run, 'd', large));
    expect(outcome(run)).toEqual({ status: 'completed', output: standsFor('d') });
  });

  test('is seen by a guard', async () => {
    const run = await start('A :a; :a → ? `$[?(@.n = 7)]` B; :a → ? `$[?(@.n = 8)]` C; :a → { ? `$.n` D }');
    await run.succeed('A', claimed(run, 'a', large));
    expect(run.names).toEqual(['A', 'B', 'D']);
    await run.succeed('B');
    await run.succeed('D');
    expect(outcome(run)).toEqual({ status: 'completed', output: [standsFor('a'), standsFor('a')] }); // A, and C that passes it on
  });

  test('is seen by merges, of a step and at the end', async () => {
    const run = await start('{ A B } → > C :c → > :end; :c → D → > :end');
    await run.succeed('A', claimed(run, 'a', large));
    await run.succeed('B', { n: 8 });
    const merged = run.order('C').input as { $claim: { key: string } };
    expect(run.objects.get(merged.$claim.key)).toEqual({ ...large, n: 8 });
    await run.succeed('C', { c: 1 });
    await run.succeed('D', claimed(run, 'd', { d: large.text }));
    const { output } = outcome(run) as { output: { $claim: { key: string } } };
    expect(run.objects.get(output.$claim.key)).toEqual({ c: 1, d: large.text });
  });

  test('is seen by a map, whose items stand in the list', async () => {
    const run = await start('A → * B with (- map: {limit: 1} -) → C');
    await run.succeed('A', claimed(run, 'a', [...items, 4]));
    for (const at of [0, 1, 2]) {
      expect(run.order('B').input).toEqual(standsFor('a', { at: [at] }));
      await run.succeed('B', { b: at });
    }
    expect(run.order('B').input).toBe(4);
    await run.succeed('B', claimed(run, 'b', large));
    expect(run.order('C').input).toEqual([{ b: 0 }, { b: 1 }, { b: 2 }, standsFor('b')]);
  });

  test('is seen by a map within a map', async () => {
    const run = await start('A → * { * B }');
    await run.succeed('A', claimed(run, 'a', [items]));
    expect(run.sent.filter(({ name }) => name === 'B').map(({ input }: SentOrder) => input)).toEqual(
      [0, 1, 2].map((at) => standsFor('a', { at: [0, at] })),
    );
  });

  test('is seen by templates', async () => {
    const run = await start("A → request:get(- url: 'http://h/{input[n]}' -)");
    await run.succeed('A', claimed(run, 'a', large));
    expect(run.calls).toMatchObject([{ parameters: { url: 'http://h/7' }, input: standsFor('a') }]);
  });

  test('that is gone fails the step that looks into it', async () => {
    const run = await start('A → ? `$.n` B');
    await run.succeed('A', { $claim: { key: 'gone', bytes: 70_000 } });
    expect(outcome(run)).toMatchObject({ error: { code: 'input-invalid', message: 'B: gone: no such value' } });
  });

  test('is none if it is a value of the user', async () => {
    const value = { $claim: { key: 'a', bytes: 3 } };
    const run = await start('A :a; :start → ? `$["$claim"].key` B; :a → C', value);
    run.objects.set('a', 'other');
    expect(run.order('B').input).toEqual(value);
    await run.succeed('A', [value]);
    expect(run.order('C').input).toEqual([value]);
  });

  test('is seen again after a resume, with what there is then', async () => {
    const run = await start('A → ? `$[?(@.n = 7)]` B → C');
    await run.succeed('A', claimed(run, 'a', large));
    await run.fail('B');
    await run.resume({ inputs: { 1: 0 } });
    await run.succeed('A', claimed(run, 'a2', { ...large, n: 8 }));
    expect(run.order('C').input).toEqual(standsFor('a2'));
  });
});

test('a failure beside a look does not lose the steps around it', async () => {
  const run = await new ExecutionStage().start('{ A → ? `$.n` B; X }');
  await run.fail('X');
  await run.succeed('A', claimed(run, 'a', large));
  expect(run.names).toEqual(['A', 'X']);
  expect(outcome(run)).toMatchObject({ status: 'failed', error: { step: 'X' } });
});
