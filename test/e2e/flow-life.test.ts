import { LifePlace } from '../support/life-place';
import type { Numbered } from '../support/number-flow';

/** Guarantees about records during a flow's lifecycle, through the REST API alone. Each test has its own flow. */
let life: LifePlace;

beforeAll(async () => {
  life = await LifePlace.up();
});

afterAll(async () => {
  await life?.close();
});

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
const said = (by: string, numbers: readonly number[]) => numbers.map((n) => ({ n, by }));

test('scaling a running process up and down loses and repeats nothing', async () => {
  const flow = life.flow('scaled', 'stream');
  const first = (parallelism: number) =>
    flow.process('first', { out: ['sink'], parallelism, work: 'await sleep(4);', meta: { update: true } });
  const document = (parallelism: number) =>
    flow.document(flow.source(900, ['first'], { rate: 150 }), first(parallelism), flow.sink());
  await life.submit(flow, document(1));
  await life.moving(flow, 'sink', 50);
  await life.update(document(5));
  await life.ready(flow, 'first', 5);
  await life.request(flow, 'scale', { replicas: { first: 2 } });
  await life.ready(flow, 'first', 2);
  await life.processed(flow, 'sink', 900);
  expect(await life.ledger(flow)).toEqual(said('first', range(0, 900)));
  expect(flow.called('first')).toEqual(range(0, 900));
});

test('scaling a running source lists every object once', async () => {
  const flow = life.flow('listed', 'stream');
  const keys = range(0, 300).map((n) => `object-${String(n).padStart(3, '0')}`);
  await life.stack.put('life-objects', keys.slice(0, 150));
  const source = {
    id: 'source',
    type: 'fs-source',
    format: 'list',
    topics: 's3a://life-objects',
    addr: 'store:9000',
    user: 'a',
    password: 'b',
    out: ['sink'],
  };
  await life.submit(flow, flow.document(source, flow.sink()));
  await life.moving(flow, 'sink', 0);
  await life.request(flow, 'scale', { replicas: { source: 3 } });
  await life.ready(flow, 'source', 3);
  await life.stack.put('life-objects', keys.slice(150, 250));
  await life.processed(flow, 'sink', 250);
  await life.request(flow, 'scale', { replicas: { source: 1 } });
  await life.stack.put('life-objects', keys.slice(250));
  await life.processed(flow, 'sink', 300);
  const listed = (await life.stack.records<{ key: string }>(flow.bucketOf('sink'))).map(({ key }) => key);
  expect(listed.sort()).toEqual(keys);
});

test.each(['batch', 'stream'] as const)(
  'DropOffset in a %s: the changed function gives every input once more',
  async (mode) => {
    const flow = life.flow(`drop-${mode}`, mode);
    const document = (by: string, meta: object) =>
      flow.document(
        flow.source(50, ['first'], { gates: { more: 40 } }),
        flow.process('first', { out: ['sink'], by, meta: { update: true, ...meta } }),
        flow.sink(),
      );
    await life.submit(flow, document('old', {}));
    await life.processed(flow, 'sink', 40);
    expect(await life.ledger(flow)).toEqual(said('old', range(0, 40)));
    await life.update(document('young', { updatePolicy: 'DropOffset' }));
    await life.processed(flow, 'sink', 80);
    flow.open('more');
    if (mode === 'batch') await life.closed(flow, 'Completed');
    else await life.processed(flow, 'sink', 90);
    expect(await life.ledger(flow)).toEqual([...said('old', range(0, 40)), ...said('young', range(0, 50))]);
  },
);

test('KeepOffset in a batch: only later records are processed by the changed function', async () => {
  const flow = life.flow('keep-batch', 'batch');
  const document = (by: string) =>
    flow.document(
      flow.source(50, ['first'], { gates: { more: 40 } }),
      flow.process('first', { out: ['sink'], by, meta: { update: true } }),
      flow.sink(),
    );
  await life.submit(flow, document('old'));
  await life.processed(flow, 'sink', 40);
  await life.update(document('young'));
  await life.ready(flow, 'first', 1);
  flow.open('more');
  await life.closed(flow, 'Completed');
  expect(await life.ledger(flow)).toEqual([...said('old', range(0, 40)), ...said('young', range(40, 50))]);
});

test('an update of a stream keeps running replicas until restart: true', async () => {
  const flow = life.flow('restarted', 'stream');
  const document = (by: string, meta: object, parallelism = 1) =>
    flow.document(
      flow.source(90, ['first'], { gates: { second: 30, third: 60 } }),
      flow.process('first', { out: ['sink'], by, parallelism, meta: { update: true, ...meta } }),
      flow.sink(),
    );
  await life.submit(flow, document('old', {}));
  await life.processed(flow, 'sink', 30);
  const before = life.stack.pidsOf(flow.name);
  await life.update(document('young', { restart: false }));
  await life.ready(flow, 'first', 1);
  expect(life.stack.pidsOf(flow.name)).toEqual(before);
  flow.open('second');
  await life.processed(flow, 'sink', 60);
  await life.update(document('last', { restart: true }));
  await life.stack.until(
    flow.name,
    'another replica',
    (status) => LifePlace.isCalm(status) && `${life.stack.pidsOf(flow.name).first}` !== `${before.first}`,
  );
  await life.ready(flow, 'first', 1);
  expect(life.stack.pidsOf(flow.name)).toMatchObject({ source: before.source, sink: before.sink });
  flow.open('third');
  await life.processed(flow, 'sink', 90);
  expect(await life.ledger(flow)).toEqual([...said('last', range(60, 90)), ...said('old', range(0, 60))]);
});

test('a batch stopped midway continues with the functions that had not succeeded', async () => {
  const flow = life.flow('halted', 'batch');
  const document = flow.document(
    flow.source(200, ['first']),
    flow.process('first', { out: ['sink'], work: "if (event.n >= 50 && !isOpen('rest')) await sleep(500);" }),
    flow.sink(),
  );
  await life.submit(flow, document);
  await life.moving(flow, 'sink', 20);
  await life.stop(flow);
  expect(life.stack.pidsOf(flow.name)).toEqual({});
  const done = flow.log('first').length;
  expect(done).toBeLessThan(200);
  flow.open('rest');
  await life.submit(flow, document);
  await life.stack.until(flow.name, 'more records', () => flow.log('first').length > done);
  expect(Object.keys(life.stack.pidsOf(flow.name))).toEqual(['first', 'sink']);
  const { functions } = await life.closed(flow, 'Completed');
  expect(functions).toMatchObject([
    { function: 'source', isDone: true, out: 200 },
    { function: 'first', isDone: true, in: 200, out: 200 },
    { function: 'sink', isDone: true, in: 200, pending: 0, held: 0 },
  ]);
  expect(flow.log('source')).toEqual(['start']);
  expect(flow.called('first')).toEqual(range(0, 200));
  expect(await life.ledger(flow)).toEqual(said('first', range(0, 200)));
});

test('a replay repeats downstream only the records it re-reads', async () => {
  const flow = life.flow('replayed', 'stream');
  const document = flow.document(
    flow.source(60, ['first'], { gates: { second: 30 } }),
    flow.process('first', { out: ['sink'] }),
    flow.sink(),
  );
  await life.submit(flow, document);
  await life.processed(flow, 'sink', 30);
  const between = new Date().toISOString();
  flow.open('second');
  await life.processed(flow, 'sink', 60);
  await life.request(flow, 'replay', { function: 'first', from: 'first' });
  await life.processed(flow, 'sink', 120);
  await life.request(flow, 'replay', { function: 'first', from: { sequence: 51 } });
  await life.processed(flow, 'sink', 130);
  await life.request(flow, 'replay', { function: 'first', from: { time: between } });
  await life.processed(flow, 'sink', 160);
  const expected = said('first', [...range(0, 60), ...range(0, 60), ...range(50, 60), ...range(30, 60)]);
  expect(await life.ledger(flow)).toEqual(LifePlace.inOrder(expected));
  await life.request(flow, 'replay', { function: 'sink', from: 'first' });
  await life.calm(flow);
  await life.processed(flow, 'sink', 160);
  expect(await life.ledger(flow)).toEqual(LifePlace.inOrder(expected));
});

test('a pause finishes the records in flight, and a resume continues', async () => {
  const flow = life.flow('paused', 'stream');
  const document = flow.document(
    flow.source(60, ['first'], { gates: { rest: 40 } }),
    flow.process('first', { out: ['sink'], work: 'await sleep(300);', meta: { concurrency: 16 } }),
    flow.sink(),
  );
  await life.submit(flow, document);
  await life.moving(flow, 'sink', 5);
  await life.request(flow, 'pause');
  const paused = await life.inPhase(flow, 'Paused');
  expect(paused.reason).toBeUndefined();
  const given = LifePlace.partOf(paused, 'source')?.out ?? 0;
  expect(given).toBeLessThan(60);
  expect(paused.functions).toMatchObject([
    { replicas: 0, ready: 0 },
    { in: given, out: given, pending: 0, held: 0 },
    { in: given, pending: 0, held: 0 },
  ]);
  expect(life.stack.pidsOf(flow.name)).toEqual({});
  expect(await life.ledger(flow)).toEqual(said('first', range(0, given)));
  await life.request(flow, 'resume');
  flow.open('rest');
  await life.processed(flow, 'sink', 60);
  expect(await life.ledger(flow)).toEqual(said('first', range(0, 60)));
  expect(flow.called('first')).toEqual(range(0, 60));
});

test('a pause that times out reports the records each function holds, and nothing is lost', async () => {
  const flow = life.flow('holding', 'stream');
  const meta = { container: { env: [{ name: 'KFLOW_SHUTDOWN_TIMEOUT', value: '1' }] } };
  const document = flow.document(
    flow.source(3, ['first']),
    flow.process('first', { out: ['sink'], work: "while (!isOpen('let')) await sleep(50);", meta }),
    flow.sink(),
  );
  await life.submit(flow, document);
  await life.stack.until(flow.name, 'work', () => flow.log('first').length === 1);
  await life.request(flow, 'pause');
  const paused = await life.inPhase(flow, 'Paused');
  expect(paused.reason).toBe('timed out waiting for records in flight: first: 3 records in progress');
  flow.open('let');
  await life.request(flow, 'resume');
  await life.processed(flow, 'sink', 3);
  expect(await life.ledger(flow)).toEqual(said('first', range(0, 3)));
});

test('a branch paused by its document backs up to the source and loses nothing', async () => {
  const flow = life.flow('branches', 'stream');
  const document = (pause: boolean) =>
    flow.document(
      {
        ...flow.source(300, ['left', 'right'], { gates: { more: 20 } }),
        globalConfig: { stream: { maxMsgs: 100 } },
      },
      flow.process('left', { out: ['left-sink'] }),
      flow.process('right', { out: ['right-sink'], meta: { update: true, pause } }),
      flow.sink('left-sink'),
      flow.sink('right-sink'),
    );
  await life.submit(flow, document(false));
  await life.processed(flow, 'right-sink', 20);
  await life.update(document(true));
  await life.stack.until(flow.name, 'no replica of right', () => life.stack.pidsOf(flow.name).right === undefined);
  flow.open('more');
  const full = await life.stack.until(flow.name, 'back pressure', ({ health }) => health.problems.length > 0);
  expect(full.health.problems).toMatchObject([
    {
      function: 'source',
      reason: 'BackPressure',
      message: expect.stringMatching(/^waiting for "right", which has \d+ unacked records/),
    },
  ]);
  await life.processed(flow, 'left-sink', LifePlace.partOf(full, 'source')?.out ?? 0);
  await life.update(document(false));
  await life.processed(flow, 'left-sink', 300);
  await life.processed(flow, 'right-sink', 300);
  expect(await life.ledger(flow, 'left-sink')).toEqual(said('left', range(0, 300)));
  expect(await life.ledger(flow, 'right-sink')).toEqual(said('right', range(0, 300)));
});

test('a failed batch names the function and the reason; once fixed, it continues there and repeats nothing', async () => {
  const flow = life.flow('mended', 'batch');
  const document = (second: object) =>
    flow.document(flow.source(20, ['first']), flow.process('first', { out: ['second'] }), second, flow.sink());
  // One record is running when the stop arrives; each later one would take a second.
  const work = "while (!isOpen('let')) await sleep(20); if (event.n > 0) await sleep(1_000);";
  const slow = flow.process('second', { out: ['sink'], work, by: 'slow' });
  await life.submit(flow, document(slow));
  await life.stack.until(
    flow.name,
    'first to end',
    (status) => LifePlace.partOf(status, 'first')?.in === 20 && life.stack.pidsOf(flow.name).first === undefined,
  );
  await life.stack.call('DELETE', `/kflows/v1/${flow.name}/stop=true`);
  flow.open('let');
  await life.closed(flow, 'Stopped');
  const done = flow.log('second').length;
  expect(done).toBeLessThan(20);
  await life.submit(flow, document(flow.process('second', { out: ['sink'], load: "throw new Error('not today');" })));
  const failed = await life.closed(flow, 'Failed');
  expect(failed.reason).toMatch(/^second: replica 0 ended with exit 78: .*not today/);
  await life.submit(flow, document(flow.process('second', { out: ['sink'], by: 'mended' })));
  await life.stack.until(flow.name, 'work', () => flow.log('second').length > done);
  expect(Object.keys(life.stack.pidsOf(flow.name))).toEqual(['second', 'sink']);
  await life.closed(flow, 'Completed');
  expect(flow.log('source')).toEqual(['start']);
  expect(flow.log('first')).toEqual(range(0, 20).map(String));
  expect(flow.log('second')).toEqual(range(0, 20).map(String));
  expect(await life.ledger(flow)).toEqual([...said('mended', range(done, 20)), ...said('slow', range(0, done))]);
});

test('delete removes streams, state, documents and stored payloads; stop keeps them, and only force deletes a stopped flow', async () => {
  const flow = life.flow('deleted', 'stream');
  const first = flow.process('first', { out: ['sink'] });
  const code = `function work(ctx, event) { return { n: event.n, by: 'x'.repeat(2_000_000) }; }`;
  const document = {
    ...flow.document(
      flow.source(3, ['first']),
      { ...first, globalConfig: { messageStore: { enabled: true } }, meta: { ...first.meta, code } },
      flow.sink(),
    ),
    globalConfig: {
      messageStore: { enabled: true, topics: 'kflowinternal', addr: 'store:9000', user: 'a', password: 'b' },
    },
  };
  const left = async () => ({
    streams: await life.stack.streams('life', 'kflow_life_deleted_'),
    state: await life.stack.streams('life', 'KV_kflow_life_deleted_'),
    payloads: (await life.stack.keys('kflowinternal', 'kflow/life/deleted/')).length,
    documents: (await life.stack.call('GET', `/kflows/v1/${flow.name}/history/1`)).status,
  });
  const all = {
    streams: ['kflow_life_deleted__dead', 'kflow_life_deleted_first', 'kflow_life_deleted_source'],
    state: ['KV_kflow_life_deleted__state'],
    payloads: 3,
    documents: 200,
  };
  const nothing = { streams: [], state: [], payloads: 0 };
  await life.submit(flow, document);
  await life.processed(flow, 'sink', 3);
  await life.stop(flow);
  expect(await left()).toEqual(all);
  const refused = await life.stack.call('DELETE', `/kflows/v1/${flow.name}`);
  expect(refused).toMatchObject({ status: 409, body: { detail: expect.stringContaining('force=true') } });
  expect(await left()).toEqual(all);
  expect((await life.stack.call('DELETE', `/kflows/v1/${flow.name}/force=true`)).status).toBe(202);
  await life.closed(flow, 'Terminated');
  expect(await left()).toMatchObject(nothing);
  await life.submit(flow, document);
  await life.processed(flow, 'sink', 3);
  expect((await life.stack.call('DELETE', `/kflows/v1/${flow.name}`)).status).toBe(202);
  await life.closed(flow, 'Canceled');
  expect(await left()).toMatchObject(nothing);
  expect((await life.stack.records<Numbered>(flow.bucketOf('sink'))).map(({ n }) => n).sort()).toEqual([
    0, 0, 1, 1, 2, 2,
  ]);
});
