import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import YAML from 'yaml';
import type { FlowStatus } from '../../runtime/controller/api/schemas';
import { Workplace } from '../support/kflow-cli';
import { type Numbered, NumberFlow } from '../support/number-flow';
import { RunningStack } from '../support/running-stack';
import { StatusWatch } from '../support/status-watch';

/** What the life of a flow promises about records, through the REST API alone: each test has a flow of its own. */
const place = new Workplace();
const flows: NumberFlow[] = [];
let stack: RunningStack;

beforeAll(async () => {
  process.env.KFLOW_CONTROLLER_TIMES_PAUSE_GRACE_SECONDS = '3';
  stack = await RunningStack.up(place);
}, 120_000);

afterAll(async () => {
  await stack?.close();
  await place.ran('down');
  place.remove();
  for (const flow of flows) flow.remove();
}, 60_000);

function flowOf(jobId: string, mode: 'batch' | 'stream'): NumberFlow {
  const flow = new NumberFlow(jobId, mode);
  flows.push(flow);
  return flow;
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
const said = (by: string, numbers: readonly number[]) => numbers.map((n) => ({ n, by }));
const inOrder = (records: readonly Numbered[]) =>
  [...records].sort((one, other) => one.by.localeCompare(other.by) || one.n - other.n);

async function ledger(flow: NumberFlow, sink = 'sink'): Promise<readonly Numbered[]> {
  return inOrder(await stack.records<Numbered>(flow.bucketOf(sink)));
}

async function submit(flow: NumberFlow, document: object, outcome = 201): Promise<void> {
  const answer = await stack.call('POST', `/kflows/v1/${flow.name}`, document);
  expect(answer).toMatchObject({ status: outcome });
}

async function update(document: object): Promise<void> {
  expect(await stack.call('POST', '/kflows/update/v1', document)).toMatchObject({ status: 200 });
}

async function stop(flow: NumberFlow): Promise<void> {
  await stack.call('DELETE', `/kflows/v1/${flow.name}/stop=true`);
  await stack.until(flow.name, 'to be stopped', ({ status }) => status === 'Stopped');
}

function isCalm({ status, health }: { status: string; health: { state: string } }): boolean {
  return status === 'Running' && health.state === 'healthy';
}

/** Asks for something of a flow; throws when it is not taken. */
async function ask(flow: NumberFlow, what: string, body: object = {}): Promise<void> {
  const answer = await stack.call('POST', `/kflows/v1/${flow.name}/${what}`, body);
  expect([200, 202]).toContain(answer.status);
}

const partOf = ({ functions }: FlowStatus, id: string) => functions.find((each) => each.function === id);

async function ready(flow: NumberFlow, functionId: string, replicas: number): Promise<void> {
  await stack.until(flow.name, `${replicas} of ${functionId}`, (status) => {
    const part = partOf(status, functionId);
    return (
      isCalm(status) &&
      part?.replicas === replicas &&
      part.ready === replicas &&
      stack.pidsOf(flow.name)[functionId]?.length === replicas
    );
  });
}

async function closed(flow: NumberFlow, status: string): Promise<FlowStatus> {
  return stack.until(flow.name, `to be ${status}`, (found) => found.closeTime !== null && found.status === status);
}

/** Waits for a problem of the flow, which is to be this one alone. */
async function ill(flow: NumberFlow, state: string, problem: object): Promise<void> {
  // what a replica has said is known a moment after that it has ended
  const wanted = expect.objectContaining({
    state,
    problems: [expect.objectContaining({ function: 'first', ...problem })],
  });
  await stack.until(flow.name, `to be ${state}`, ({ health }) => wanted.asymmetricMatch(health));
}

async function processed(flow: NumberFlow, functionId: string, count: number): Promise<void> {
  await stack.until(flow.name, `${functionId} to have processed ${count}`, ({ functions }) => {
    const found = functions.find((each) => each.function === functionId);
    return found?.in === count && found.held === 0;
  });
}

test('scaling a process up and down under way loses and repeats nothing', async () => {
  const flow = flowOf('scaled', 'stream');
  const first = (parallelism: number) =>
    flow.process('first', { out: ['sink'], parallelism, work: 'await sleep(4);', meta: { update: true } });
  const document = (parallelism: number) =>
    flow.document(flow.source(900, ['first'], { rate: 150 }), first(parallelism), flow.sink());
  await submit(flow, document(1));
  await stack.until(flow.name, 'records on their way', (status) => (partOf(status, 'sink')?.in ?? 0) > 50);
  await update(document(5));
  await ready(flow, 'first', 5);
  await ask(flow, 'scale', { replicas: { first: 2 } });
  await ready(flow, 'first', 2);
  await processed(flow, 'sink', 900);
  expect(await ledger(flow)).toEqual(said('first', range(0, 900)));
  expect(
    flow
      .log('first')
      .map(Number)
      .sort((one, other) => one - other),
  ).toEqual(range(0, 900));
}, 120_000);

test('scaling a source under way lists every object once', async () => {
  const flow = flowOf('listed', 'stream');
  const keys = range(0, 300).map((n) => `object-${String(n).padStart(3, '0')}`);
  await stack.put('life-objects', keys.slice(0, 150));
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
  await submit(flow, flow.document(source, flow.sink()));
  await stack.until(flow.name, 'records on their way', (status) => (partOf(status, 'sink')?.in ?? 0) > 0);
  await ask(flow, 'scale', { replicas: { source: 3 } });
  await ready(flow, 'source', 3);
  await stack.put('life-objects', keys.slice(150, 250));
  await processed(flow, 'sink', 250);
  await ask(flow, 'scale', { replicas: { source: 1 } });
  await stack.put('life-objects', keys.slice(250));
  await processed(flow, 'sink', 300);
  const listed = (await stack.records<{ key: string }>(flow.bucketOf('sink'))).map(({ key }) => key);
  expect(listed.sort()).toEqual(keys);
}, 120_000);

test.each(['batch', 'stream'] as const)(
  'DropOffset in a %s: the changed function gives every input once more',
  async (mode) => {
    const flow = flowOf(`drop-${mode}`, mode);
    const document = (by: string, meta: object) =>
      flow.document(
        flow.source(50, ['first'], { gates: { more: 40 } }),
        flow.process('first', { out: ['sink'], by, meta: { update: true, ...meta } }),
        flow.sink(),
      );
    await submit(flow, document('old', {}));
    await processed(flow, 'sink', 40);
    expect(await ledger(flow)).toEqual(said('old', range(0, 40)));
    await update(document('young', { updatePolicy: 'DropOffset' }));
    await processed(flow, 'sink', 80);
    flow.open('more');
    if (mode === 'batch') await closed(flow, 'Completed');
    else await processed(flow, 'sink', 90);
    expect(await ledger(flow)).toEqual([...said('old', range(0, 40)), ...said('young', range(0, 50))]);
  },
  120_000,
);

test('KeepOffset in a batch: only what comes later is by the changed function', async () => {
  const flow = flowOf('keep-batch', 'batch');
  const document = (by: string) =>
    flow.document(
      flow.source(50, ['first'], { gates: { more: 40 } }),
      flow.process('first', { out: ['sink'], by, meta: { update: true } }),
      flow.sink(),
    );
  await submit(flow, document('old'));
  await processed(flow, 'sink', 40);
  await update(document('young'));
  await ready(flow, 'first', 1);
  flow.open('more');
  await closed(flow, 'Completed');
  expect(await ledger(flow)).toEqual([...said('old', range(0, 40)), ...said('young', range(40, 50))]);
}, 120_000);

test('an update of a stream leaves running replicas as they are until restart: true', async () => {
  const flow = flowOf('restarted', 'stream');
  const document = (by: string, meta: object, parallelism = 1) =>
    flow.document(
      flow.source(90, ['first'], { gates: { second: 30, third: 60 } }),
      flow.process('first', { out: ['sink'], by, parallelism, meta: { update: true, ...meta } }),
      flow.sink(),
    );
  await submit(flow, document('old', {}));
  await processed(flow, 'sink', 30);
  const before = stack.pidsOf(flow.name);
  await update(document('young', { restart: false }));
  await ready(flow, 'first', 1);
  expect(stack.pidsOf(flow.name)).toEqual(before);
  flow.open('second');
  await processed(flow, 'sink', 60);
  await update(document('last', { restart: true }));
  await stack.until(
    flow.name,
    'another replica',
    (status) => isCalm(status) && `${stack.pidsOf(flow.name).first}` !== `${before.first}`,
  );
  await ready(flow, 'first', 1);
  expect(stack.pidsOf(flow.name)).toMatchObject({ source: before.source, sink: before.sink });
  flow.open('third');
  await processed(flow, 'sink', 90);
  expect(await ledger(flow)).toEqual([...said('last', range(60, 90)), ...said('old', range(0, 60))]);
}, 120_000);

test('a batch that is stopped in the middle goes on with what had not succeeded', async () => {
  const flow = flowOf('halted', 'batch');
  const document = flow.document(
    flow.source(200, ['first']),
    flow.process('first', { out: ['sink'], work: 'await sleep(10);' }),
    flow.sink(),
  );
  await submit(flow, document);
  await stack.until(flow.name, 'records on their way', (status) => (partOf(status, 'sink')?.in ?? 0) > 20);
  await stop(flow);
  expect(stack.pidsOf(flow.name)).toEqual({});
  const done = flow.log('first').length;
  expect(done).toBeLessThan(200);
  await submit(flow, document);
  await stack.until(flow.name, 'more records', () => flow.log('first').length > done);
  expect(Object.keys(stack.pidsOf(flow.name))).toEqual(['first', 'sink']);
  await closed(flow, 'Completed');
  expect(flow.log('source')).toEqual(['start']);
  expect(
    flow
      .log('first')
      .map(Number)
      .sort((one, other) => one - other),
  ).toEqual(range(0, 200));
  expect(await ledger(flow)).toEqual(said('first', range(0, 200)));
}, 120_000);

test('a replay gives what it reads again once more downstream, and nothing else', async () => {
  const flow = flowOf('replayed', 'stream');
  const document = flow.document(
    flow.source(60, ['first'], { gates: { second: 30 } }),
    flow.process('first', { out: ['sink'] }),
    flow.sink(),
  );
  await submit(flow, document);
  await processed(flow, 'sink', 30);
  const between = new Date().toISOString();
  flow.open('second');
  await processed(flow, 'sink', 60);
  await ask(flow, 'replay', { function: 'first', from: 'first' });
  await processed(flow, 'sink', 120);
  await ask(flow, 'replay', { function: 'first', from: { sequence: 51 } });
  await processed(flow, 'sink', 130);
  await ask(flow, 'replay', { function: 'first', from: { time: between } });
  await processed(flow, 'sink', 160);
  const expected = said('first', [...range(0, 60), ...range(0, 60), ...range(50, 60), ...range(30, 60)]);
  expect(await ledger(flow)).toEqual(inOrder(expected));
  await ask(flow, 'replay', { function: 'sink', from: 'first' });
  await stack.until(flow.name, 'calm', isCalm);
  await processed(flow, 'sink', 160);
  expect(await ledger(flow)).toEqual(inOrder(expected));
}, 120_000);

test('a pause finishes what is in flight, and a resume goes on', async () => {
  const flow = flowOf('paused', 'stream');
  const document = flow.document(
    flow.source(60, ['first'], { rate: 25 }),
    flow.process('first', { out: ['sink'], work: 'await sleep(300);', meta: { concurrency: 16 } }),
    flow.sink(),
  );
  await submit(flow, document);
  await stack.until(flow.name, 'records on their way', (status) => (partOf(status, 'sink')?.in ?? 0) > 5);
  await ask(flow, 'pause');
  const paused = await stack.until(flow.name, 'to be paused', ({ status }) => status === 'Paused');
  expect(paused.reason).toBeUndefined();
  const given = partOf(paused, 'source')?.out ?? 0;
  expect(given).toBeLessThan(60);
  expect(paused.functions).toMatchObject([
    { replicas: 0, ready: 0 },
    { in: given, out: given, pending: 0, held: 0 },
    { in: given, pending: 0, held: 0 },
  ]);
  expect(stack.pidsOf(flow.name)).toEqual({});
  expect(await ledger(flow)).toEqual(said('first', range(0, given)));
  await ask(flow, 'resume');
  await processed(flow, 'sink', 60);
  expect(await ledger(flow)).toEqual(said('first', range(0, 60)));
  expect(
    flow
      .log('first')
      .map(Number)
      .sort((one, other) => one - other),
  ).toEqual(range(0, 60));
}, 120_000);

test('a pause that cannot wait says which function holds what, and nothing is lost', async () => {
  const flow = flowOf('holding', 'stream');
  const meta = { container: { env: [{ name: 'KFLOW_SHUTDOWN_TIMEOUT', value: '1' }] } };
  const document = flow.document(
    flow.source(3, ['first']),
    flow.process('first', { out: ['sink'], work: "while (!isOpen('let')) await sleep(50);", meta }),
    flow.sink(),
  );
  await submit(flow, document);
  await stack.until(flow.name, 'work', () => flow.log('first').length === 1);
  await ask(flow, 'pause');
  const paused = await stack.until(flow.name, 'to be paused', ({ status }) => status === 'Paused');
  expect(paused.reason).toBe('not everything was processed in time: first: 3 records in work');
  flow.open('let');
  await ask(flow, 'resume');
  await processed(flow, 'sink', 3);
  expect(await ledger(flow)).toEqual(said('first', range(0, 3)));
}, 120_000);

test('a branch that its document pauses backs up to the source, and loses nothing', async () => {
  const flow = flowOf('branches', 'stream');
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
  await submit(flow, document(false));
  await processed(flow, 'right-sink', 20);
  await update(document(true));
  await stack.until(flow.name, 'no replica of right', () => stack.pidsOf(flow.name).right === undefined);
  flow.open('more');
  const full = await stack.until(flow.name, 'back pressure', ({ health }) => health.problems.length > 0);
  expect(full.health.problems).toMatchObject([
    {
      function: 'source',
      reason: 'BackPressure',
      message: expect.stringMatching(/^it waits for "right", which has \d+ records/),
    },
  ]);
  await processed(flow, 'left-sink', partOf(full, 'source')?.out ?? 0);
  await update(document(false));
  await processed(flow, 'left-sink', 300);
  await processed(flow, 'right-sink', 300);
  expect(await ledger(flow, 'left-sink')).toEqual(said('left', range(0, 300)));
  expect(await ledger(flow, 'right-sink')).toEqual(said('right', range(0, 300)));
}, 120_000);

test('a batch that has failed names the function and why; mended, it goes on from there and runs nothing again', async () => {
  const flow = flowOf('mended', 'batch');
  const document = (second: object) =>
    flow.document(flow.source(20, ['first']), flow.process('first', { out: ['second'] }), second, flow.sink());
  const slow = flow.process('second', { out: ['sink'], work: "while (!isOpen('let')) await sleep(20);", by: 'slow' });
  await submit(flow, document(slow));
  await stack.until(
    flow.name,
    'first to end',
    (status) => partOf(status, 'first')?.in === 20 && stack.pidsOf(flow.name).first === undefined,
  );
  await stack.call('DELETE', `/kflows/v1/${flow.name}/stop=true`);
  flow.open('let');
  await closed(flow, 'Stopped');
  const done = flow.log('second').length;
  expect(done).toBeLessThan(20);
  await submit(flow, document(flow.process('second', { out: ['sink'], load: "throw new Error('not today');" })));
  const failed = await closed(flow, 'Failed');
  expect(failed.reason).toMatch(/^second: replica 0 ended with exit 78: .*not today/);
  await submit(flow, document(flow.process('second', { out: ['sink'], by: 'mended' })));
  await stack.until(flow.name, 'work', () => flow.log('second').length > done);
  expect(Object.keys(stack.pidsOf(flow.name))).toEqual(['second', 'sink']);
  await closed(flow, 'Completed');
  expect(flow.log('source')).toEqual(['start']);
  expect(flow.log('first')).toEqual(range(0, 20).map(String));
  expect(flow.log('second')).toEqual(range(0, 20).map(String));
  expect(await ledger(flow)).toEqual([...said('mended', range(done, 20)), ...said('slow', range(0, done))]);
}, 120_000);

test('a batch that gave up on records says so, and all others are there', async () => {
  const flow = flowOf('given-up', 'batch');
  const document = flow.document(
    flow.source(6, ['first']),
    flow.process('first', {
      out: ['second'],
      work: "if (event.n === 2) throw new Error('two is bad');",
      meta: { maxDeliver: 2 },
    }),
    flow.process('second', {
      out: ['sink'],
      work: "if (event.n === 4) return { n: 'four', by: '' };",
      meta: { maxDeliver: 2 },
    }),
    flow.sink(),
  );
  await submit(flow, document);
  const { reason } = await closed(flow, 'Completed');
  expect(reason).toBe('in the dead letters is what was given up on: first on 1 record, second on 1 record');
  expect(await ledger(flow)).toEqual(said('second', [0, 1, 3, 5]));
}, 120_000);

test('a function that ends its process says so while it is tried again, and fails its batch in the end', async () => {
  const flow = flowOf('exits', 'batch');
  const first = flow.process('first', { out: ['sink'], load: "console.error('the disk is gone'); process.exit(3);" });
  await submit(flow, flow.document(flow.source(3, ['first']), first, flow.sink()));
  await ill(flow, 'unhealthy', {
    replica: 'first-0',
    reason: 'CrashLoopBackOff',
    message: expect.stringMatching(/^exit 3: .*the disk is gone/),
  });
  const { reason } = await closed(flow, 'Failed');
  expect(reason).toMatch(/^first: .*the disk is gone/);
}, 120_000);

test('a record that fails again and again is told, and then that it is in the dead letters', async () => {
  const flow = flowOf('poison', 'stream');
  const work = "if (event.n === 3) throw new Error('three is bad');";
  const first = flow.process('first', { out: ['sink'], work, meta: { maxDeliver: 4 } });
  await submit(flow, flow.document(flow.source(5, ['first']), first, flow.sink()));
  await ill(flow, 'unhealthy', {
    replica: 'first-0',
    reason: 'PoisonRecord',
    message: expect.stringContaining('three is bad'),
  });
  await stack.until(flow.name, 'dead letters', (status) => partOf(status, 'first')?.dead === 1);
  await ill(flow, 'degraded', { reason: 'DeadLetters' });
  await processed(flow, 'sink', 4);
  expect(await ledger(flow)).toEqual(said('first', [0, 1, 2, 4]));
}, 120_000);

test('code that does not load is told with its error', async () => {
  const flow = flowOf('unloadable', 'stream');
  const first = flow.process('first', { out: ['sink'], load: "throw new Error('not today');" });
  await submit(flow, flow.document(flow.source(5, ['first']), first, flow.sink()));
  await ill(flow, 'unhealthy', {
    replica: 'first-0',
    reason: 'CrashLoopBackOff',
    message: expect.stringMatching(/^exit 78: .*not today/),
  });
}, 120_000);

test('delete removes streams, state, documents and stored payloads; stop keeps all, and only force deletes after it', async () => {
  const flow = flowOf('deleted', 'stream');
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
    streams: await stack.streams('kflow_life_deleted_'),
    state: await stack.streams('KV_kflow_life_deleted_'),
    payloads: (await stack.keys('kflowinternal', 'kflow/life/deleted/')).length,
    documents: (await stack.call('GET', `/kflows/v1/${flow.name}/history/1`)).status,
  });
  const all = {
    streams: ['kflow_life_deleted__dead', 'kflow_life_deleted_first', 'kflow_life_deleted_source'],
    state: ['KV_kflow_life_deleted__state'],
    payloads: 3,
    documents: 200,
  };
  const nothing = { streams: [], state: [], payloads: 0 };
  await submit(flow, document);
  await processed(flow, 'sink', 3);
  await stop(flow);
  expect(await left()).toEqual(all);
  const refused = await stack.call('DELETE', `/kflows/v1/${flow.name}`);
  expect(refused).toMatchObject({ status: 409, body: { detail: expect.stringContaining('force=true') } });
  expect(await left()).toEqual(all);
  expect((await stack.call('DELETE', `/kflows/v1/${flow.name}/force=true`)).status).toBe(202);
  await closed(flow, 'Terminated');
  expect(await left()).toMatchObject(nothing);
  await submit(flow, document);
  await processed(flow, 'sink', 3);
  expect((await stack.call('DELETE', `/kflows/v1/${flow.name}`)).status).toBe(202);
  await closed(flow, 'Canceled');
  expect(await left()).toMatchObject(nothing);
  expect((await stack.records<Numbered>(flow.bucketOf('sink'))).map(({ n }) => n).sort()).toEqual([0, 0, 1, 1, 2, 2]);
}, 120_000);

test('the status is never wrong for longer than 5 s, though replicas and the controller are killed', async () => {
  const flow = flowOf('watched', 'stream');
  const first = (parallelism: number) => flow.process('first', { out: ['sink'], parallelism });
  const document = flow.document(flow.source(100_000, ['first'], { rate: 50 }), first(2), flow.sink());
  await submit(flow, document);
  const watch = new StatusWatch(stack, flow.name);
  watch.want('Running');
  await stack.until(flow.name, 'calm', isCalm);
  for (const id of ['source', 'first', 'sink']) process.kill(stack.pidsOf(flow.name)[id]?.[0] ?? 0, 'SIGKILL');
  await stack.until(flow.name, 'ill', (status) => !isCalm(status));
  await stack.until(flow.name, 'calm', isCalm);
  const killed = async (act: Promise<unknown>) => {
    stack.kill('controller');
    await act;
  };
  await killed(ask(flow, 'pause'));
  watch.want('Pausing', 'Paused');
  await stack.until(flow.name, 'paused', ({ status }) => status === 'Paused');
  await ask(flow, 'resume');
  watch.want('Running');
  await stack.until(flow.name, 'calm', isCalm);
  await killed(ask(flow, 'scale', { replicas: { first: 3 } }));
  await ready(flow, 'first', 3);
  await killed(stack.call('DELETE', `/kflows/v1/${flow.name}/stop=true`));
  watch.want('Stopping', 'Stopped');
  await closed(flow, 'Stopped');
  expect(await watch.wrongFor(5_000)).toEqual([]);
  expect(watch.looks).toBeGreaterThan(20);
}, 120_000);

/** Topologies as the documents have them; modules beside them are sent with them, as the CLI does. */
const topologies = path.join(__dirname, '../fixtures/topologies');
const readTopology = (name: string) =>
  readFileSync(path.join(topologies, name), 'utf8').replace(/module: (functions\/\w+\.py)/, (_, file: string) => {
    return `code: ${JSON.stringify(readFileSync(path.join(topologies, file), 'utf8'))}`;
  });

/** Takes a topology as YAML, force=true it away, and runs it from its JSON until every function had something to do. */
async function runDocument(name: string): Promise<void> {
  const text = readTopology(name);
  const json = YAML.parse(text, { merge: true });
  const flow = `${json.namespace ?? path.parse(name).name}/${json.jobId ?? path.parse(name).name}`;
  const taken = await stack.call('POST', `/kflows/v1/${flow}`, text);
  expect({ name, ...taken }).toMatchObject({ status: 201, body: { status: 'Running' } });
  await remove(flow);
  expect(await stack.call('POST', `/kflows/v1/${flow}`, json)).toMatchObject({ status: 201 });
  await stack.until(flow, 'to run', (status) => {
    // an image that does not run here gives nothing aside
    const busy = status.functions.filter((fn) => !fn.isPaused && fn.function !== 'print-sideout');
    const isBusy = busy.every((fn) => (fn.in ?? fn.out ?? 0) > 0);
    return status.status === 'Completed' || (isCalm(status) && isBusy);
  });
  await remove(flow);
}

async function remove(flow: string): Promise<void> {
  expect(await stack.call('DELETE', `/kflows/v1/${flow}/force=true`)).toMatchObject({ status: 202 });
  await stack.until(flow, 'to be gone', ({ status }) => status === 'Terminated');
}

test('every topology of the documents that one machine can run is taken as YAML and as JSON, and runs', async () => {
  for (const bucket of ['sas', 'docs']) await stack.put(bucket, ['dir/subdir/one', 'dir/subdir/two']);
  const names = readdirSync(topologies).filter((name) => /\.(yaml|json)$/.test(name));
  const linted = await Promise.all(names.map((name) => place.ran('lint', path.join(topologies, name))));
  const runnable = names.filter(
    (_, index) => !/it does not run|it refuses/.test(`${linted[index]?.stdout}${linted[index]?.stderr}`),
  );
  expect(runnable.length).toBeGreaterThan(8);
  await Promise.all(runnable.map(runDocument));
  for (const name of names.filter((each) => !runnable.includes(each))) {
    const { status, body } = await stack.call(
      'POST',
      `/kflows/v1/demo/${path.parse(name).name}`,
      readTopology(name).replace(/^jobId:.*|^namespace:.*/gm, ''),
    );
    expect({ name, status, body }).toMatchObject({ status: 422, body: { code: 'not-run-yet' } });
  }
}, 120_000);

test('the documented requests: stop=true, the same POST again, and an update by its payload', async () => {
  await stack.put('sas', ['dir/subdir/one', 'dir/subdir/two']);
  const document = YAML.parse(readTopology('message-store.yaml'));
  expect(await stack.call('POST', '/kflows/v1/jobx/jobx', document)).toMatchObject({ status: 201 });
  await stack.until('jobx/jobx', 'calm', isCalm);
  expect(await stack.call('DELETE', '/kflows/v1/jobx/jobx/stop=true')).toMatchObject({ status: 202 });
  await stack.until('jobx/jobx', 'stopped', ({ status }) => status === 'Stopped');
  expect((await stack.call('GET', '/kflows/v1/jobx?id=jobx')).body).toMatchObject([
    {
      closeTime: expect.any(String),
      devInsOuts: [],
      execution: { workflow_id: 'jobx', run_id: expect.any(String) },
      startTime: expect.any(String),
      status: 'Stopped',
      type: { name: 'KFlowDSL' },
    },
  ]);
  expect(await stack.call('POST', '/kflows/v1/jobx/jobx', document)).toMatchObject({ status: 201 });
  await stack.until('jobx/jobx', 'calm', isCalm);
  await remove('jobx/jobx');
  const payload = readTopology('update.yaml');
  const before = payload.replace('parallelism: 5', 'parallelism: 1').replace('updatePolicy: DropOffset', '');
  expect(await stack.call('POST', '/kflows/v1/jobx/jobx', before)).toMatchObject({ status: 201 });
  expect(await stack.call('POST', '/kflows/update/v1', YAML.parse(payload))).toMatchObject({ status: 200 });
  await stack.until('jobx/jobx', 'to complete', ({ status }) => status === 'Completed');
  expect((await stack.call('GET', '/kflows/v1/jobx/jobx/history')).body).toMatchObject([
    { cause: 'submit' },
    { cause: 'update' },
  ]);
  const keys = (await stack.records<{ key: string }>('out')).map(({ key }) => key);
  expect([...new Set(keys)].sort()).toEqual(['dir/subdir/one', 'dir/subdir/two']);
}, 120_000);
