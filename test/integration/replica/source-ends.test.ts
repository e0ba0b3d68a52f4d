import type { FlowPlan } from '../../../lib/plan/flow-plan';
import { numbered } from '../../support/host-run';
import { waitFor } from '../../support/wait-for';
import { planOf } from '../../unit/plan/planned';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { CodeFolder, numbersIn, sorted, startReplica } from './replica-run';

let place: JetStreamPlace;
let folder: CodeFolder;
let flows = 0;

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
beforeEach(() => {
  folder = new CodeFolder();
});
afterEach(() => folder.remove());
afterAll(() => place.close());

interface SourceProps {
  readonly language: 'javascript' | 'python';
  readonly code: string;
  readonly jobId: string;
  readonly parallelism?: number;
  readonly rate?: number;
  readonly maxMsgs?: number;
}

function planSource({ language, code, jobId, parallelism = 1, rate, maxMsgs }: SourceProps): FlowPlan {
  const meta = { language, name: 'run', code, ...(rate === undefined ? {} : { rate }) };
  const limits = maxMsgs === undefined ? {} : { globalConfig: { stream: { maxMsgs } } };
  const source = { id: 'source', type: 'raw-source', schema: numbered, parallelism, meta, ...limits, out: ['leaf'] };
  const leaf = { id: 'leaf', type: 'raw', meta: { language: 'javascript', name: 'run', code: 'function run() {}' } };
  return planOf(JSON.stringify({ jobId, mode: 'stream', dag: [source, leaf] }));
}

async function provisioned(props: Omit<SourceProps, 'jobId'>): Promise<{ plan: FlowPlan; stream: string }> {
  const jobId = `ends-${++flows}`;
  const plan = planSource({ jobId, ...props });
  await place.streams.provision(plan);
  return { plan, stream: `kflow_default_${jobId}_source` };
}

/**
 * Code that takes the next `count` numbers from a queue, makes the file `taken-<start>`, and returns the list when the gate
 * is open. The queue is shared by all starts and replicas; what is taken is never given again.
 */
const takes: { readonly [shape: string]: (count: number, gate: string) => Omit<SourceProps, 'jobId'> } = {
  'an async function in JavaScript': (count, gate) => ({
    language: 'javascript',
    code: `const fs = require('node:fs');
const [queue, gate] = ${JSON.stringify([folder.file('queue'), folder.file(gate)])};
async function run() {
  const from = fs.existsSync(queue) ? fs.readFileSync(queue, 'utf8').split('\\n').length - 1 : 0;
  const list = Array.from({ length: ${count} }, (_, index) => ({ n: from + index }));
  fs.appendFileSync(queue, list.map(({ n }) => n + '\\n').join(''));
  while (!fs.existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 5));
  return ${count === 1 ? 'list[0]' : 'list'};
}`,
  }),
  'a function in Python': (count, gate) => ({ language: 'python', code: pythonTake(count, gate, 'def', 'time.sleep') }),
  'an async function in Python': (count, gate) => ({
    language: 'python',
    code: pythonTake(count, gate, 'async def', 'await asyncio.sleep'),
  }),
};

function pythonTake(count: number, gate: string, def: string, sleep: string): string {
  return `import os, time
queue, gate = ${JSON.stringify(folder.file('queue'))}, ${JSON.stringify(folder.file(gate))}
${def} run():
    start = sum(1 for line in open(queue)) if os.path.exists(queue) else 0
    with open(queue, "a") as file:
        file.writelines(f"{start + index}\\n" for index in range(${count}))
    while not os.path.exists(gate):
        ${sleep}(0.005)
    return ${count === 1 ? '{"n": start}' : `[{"n": start + index} for index in range(${count})]`}
`;
}

const shapes = Object.keys(takes);
const takerOf = (shape: string, count: number, gate: string) => {
  const taker = takes[shape];
  if (taker === undefined) throw new Error(`no shape ${shape}`);
  return taker(count, gate);
};
const taken = () => folder.numbers('queue');

test.each(shapes)('a list that the function is returning at the stop is stored: %s', async (shape) => {
  const { plan, stream } = await provisioned(takerOf(shape, 5, 'gate'));
  const replica = startReplica(place, plan, 'source');
  await waitFor('it has taken', () => taken().length === 5);
  const stopped = replica.stop();
  folder.open('gate');
  await stopped;
  expect(await numbersIn(place, stream)).toEqual(taken());
  expect(taken()).toHaveLength(5);
});

test.each(shapes)('every number is stored once through five stops and starts: %s', async (shape) => {
  const { plan, stream } = await provisioned(takerOf(shape, 1, 'gate'));
  folder.open('gate');
  for (let start = 0; start < 5; start++) {
    const before = taken().length;
    const replica = startReplica(place, plan, 'source');
    await waitFor('it has taken', () => taken().length > before + 2);
    await replica.stop();
  }
  expect(await numbersIn(place, stream)).toEqual(taken());
});

test.each(shapes)('a list that waits for its rate is stored at the stop: %s', async (shape) => {
  const { plan, stream } = await provisioned({ ...takerOf(shape, 300, 'gate'), rate: 10 });
  folder.open('gate');
  const replica = startReplica(place, plan, 'source');
  await waitFor('some are stored', async () => (await place.count(stream)) > 0);
  await replica.stop();
  expect(await numbersIn(place, stream)).toEqual(taken());
  expect(taken()).toHaveLength(300);
});

test('two replicas that a scale to one ends have stored their lists, and the one that stays goes on', async () => {
  const shape = 'an async function in JavaScript';
  const { plan, stream } = await provisioned({ ...takerOf(shape, 4, 'gate'), parallelism: 2 });
  const replicas = [0, 1].map((replica) => startReplica(place, plan, 'source', { replica }));
  await waitFor('both have taken', () => taken().length === 8);
  const stopped = replicas.map((replica) => replica.stop());
  folder.open('gate');
  await Promise.all(stopped);
  expect(sorted(await numbersIn(place, stream))).toEqual(taken());
  const fewer = planSource({ jobId: plan.jobId, ...takerOf(shape, 4, 'gate') });
  const left = startReplica(place, fewer, 'source');
  await waitFor('it has taken', () => taken().length > 12);
  await left.stop();
  expect(sorted(await numbersIn(place, stream))).toEqual(taken());
});

test('a list is stored before the code of its function is replaced', async () => {
  const { plan, stream } = await provisioned(takerOf('a function in Python', 4, 'gate'));
  const old = startReplica(place, plan, 'source');
  await waitFor('it has taken', () => taken().length === 4);
  const stopped = old.stop();
  folder.open('gate');
  await stopped;
  const next = planSource({ jobId: plan.jobId, ...takerOf('an async function in JavaScript', 2, 'gate') });
  const replica = startReplica(place, next, 'source');
  await waitFor('it has taken', () => taken().length > 6);
  await replica.stop();
  expect(await numbersIn(place, stream)).toEqual(taken());
});

test('the function is called again only when every record of its last list is stored', async () => {
  const { plan, stream } = await provisioned({ ...takerOf('a function in Python', 5, 'gate'), maxMsgs: 3 });
  folder.open('gate');
  const replica = startReplica(place, plan, 'source');
  await waitFor('the stream is full', async () => (await place.count(stream)) === 3);
  expect(taken()).toHaveLength(5);
  await place.manager.streams.purge(stream);
  await waitFor('the function is called again', () => taken().length === 10);
  await place.manager.streams.update(stream, { max_msgs: -1 });
  await replica.stop();
});

test('a list that a full stream refuses at the stop is stored as soon as there is room', async () => {
  const { plan, stream } = await provisioned({ ...takerOf('a function in Python', 10, 'gate'), maxMsgs: 4 });
  folder.open('gate');
  const replica = startReplica(place, plan, 'source');
  await waitFor('the stream is full', async () => (await place.count(stream)) === 4);
  const stopped = replica.stop();
  await place.manager.streams.update(stream, { max_msgs: -1 });
  await stopped;
  expect(await numbersIn(place, stream)).toEqual(taken());
});

test('records that a full stream refuses to the end of the grace period are counted in the log and in the status', async () => {
  const { plan, stream } = await provisioned({ ...takerOf('a function in Python', 10, 'gate'), maxMsgs: 4 });
  folder.open('gate');
  const replica = startReplica(place, plan, 'source', { env: { KFLOW_SHUTDOWN_TIMEOUT: '1' } });
  await waitFor('the stream is full', async () => (await place.count(stream)) === 4);
  await expect(replica.stop()).rejects.toMatchObject({ code: 'records-lost' });
  const message = '6 records could not be stored within 1 s after the stop; the function cannot return them again';
  expect(replica.logs).toContain(`ERROR ${message}`);
  const [source] = await place.streams.progress(plan);
  expect(source?.drifts).toMatchObject([{ reason: 'RecordsLost', lost: 6, message }]);
});

test('a generator continues after stops where it was, each record once', async () => {
  const code = 'def run():\n    for n in range(400):\n        yield {"n": n}';
  const { plan, stream } = await provisioned({ language: 'python', code, rate: 200 });
  for (const least of [20, 150]) {
    const replica = startReplica(place, plan, 'source');
    await waitFor('some are stored', async () => (await place.count(stream)) > least);
    await replica.stop();
  }
  const last = startReplica(
    place,
    { ...plan, ...planSource({ jobId: plan.jobId, language: 'python', code }) },
    'source',
  );
  await waitFor('all are stored', async () => (await place.count(stream)) >= 400);
  await last.stop();
  expect(await numbersIn(place, stream)).toEqual(Array.from({ length: 400 }, (_, n) => n));
});
