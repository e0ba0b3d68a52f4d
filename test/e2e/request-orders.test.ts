import { LifePlace } from '../support/life-place';
import type { NumberFlow } from '../support/number-flow';

/** Requests that arrive while earlier ones are still being carried out: each takes effect. */
let life: LifePlace;

beforeAll(async () => {
  life = await LifePlace.up();
});

afterAll(async () => {
  await life?.close();
});

interface Part {
  readonly by: string;
  readonly parallelism?: number;
  readonly updatePolicy?: string;
}

const old: Part = { by: 'old' };

/** 20 numbers, and 10 more behind a gate, to two functions. */
function document(flow: NumberFlow, first: Part, second: Part): object {
  const process = (id: string, { by, parallelism = 1, updatePolicy = 'KeepOffset' }: Part) =>
    flow.process(id, { out: [`${id}-sink`], by, parallelism, meta: { update: true, restart: true, updatePolicy } });
  return flow.document(
    flow.source(30, ['first', 'second'], { gates: { more: 20 } }),
    process('first', first),
    process('second', second),
    flow.sink('first-sink'),
    flow.sink('second-sink'),
  );
}

async function started(jobId: string): Promise<NumberFlow> {
  const flow = life.flow(jobId, 'stream');
  await life.submit(flow, document(flow, old, old));
  await life.processed(flow, 'first-sink', 20);
  await life.processed(flow, 'second-sink', 20);
  return flow;
}

async function paused(flow: NumberFlow): Promise<void> {
  await life.request(flow, 'pause');
  await life.inPhase(flow, 'Paused');
}

/** Opens the gate, and returns how often `second` was called with the first numbers and with the last ones. */
async function timesRead(flow: NumberFlow): Promise<readonly number[]> {
  await life.calm(flow);
  flow.open('more');
  const times = (n: number) => flow.called('second').filter((each) => each === n).length;
  await life.stack.until(flow.name, 'the last number', (status) => {
    const part = LifePlace.partOf(status, 'second');
    return times(29) > 0 && part?.pending === 0 && part.held === 0;
  });
  expect([...new Set(Array.from({ length: 20 }, (_, n) => times(n)))]).toHaveLength(1);
  return [times(0), times(29)];
}

const young: Part = { by: 'young', updatePolicy: 'DropOffset' };

test('scaling another function keeps a pending DropOffset', async () => {
  const flow = await started('drop-then-scale');
  await paused(flow);
  await life.update(document(flow, old, young));
  await life.request(flow, 'scale', { replicas: { first: 2 } });
  await life.request(flow, 'resume');
  await life.processed(flow, 'second-sink', 40);
  expect(await timesRead(flow)).toEqual([2, 1]);
});

test('an update of another function does not repeat an earlier DropOffset', async () => {
  const flow = await started('dropped-before');
  await life.update(document(flow, old, young));
  await life.processed(flow, 'second-sink', 40);
  await paused(flow);
  await life.request(flow, 'scale', { replicas: { second: 2 } });
  await life.update(document(flow, { by: 'other' }, { ...young, parallelism: 2 }));
  await life.request(flow, 'resume');
  await life.ready(flow, 'second', 2);
  expect(await timesRead(flow)).toEqual([2, 1]);
});

test('a rollback cancels the DropOffset of the update it reverts', async () => {
  const flow = await started('drop-then-back');
  await paused(flow);
  await life.update(document(flow, old, young));
  await life.request(flow, 'rollback');
  await life.request(flow, 'resume');
  expect(await timesRead(flow)).toEqual([1, 1]);
});

test.each<[string, (flow: NumberFlow) => Promise<object>]>([
  [
    'a replay',
    async (flow) => {
      await life.request(flow, 'replay', { function: 'second', from: 'first' });
      return document(flow, old, old);
    },
  ],
  [
    'a drop',
    async (flow) => {
      await life.update(document(flow, old, young));
      return document(flow, old, young);
    },
  ],
])('%s overtaken by a stop is carried out when the flow continues', async (title, ask) => {
  const flow = await started(title.replace('a ', 'stopped-'));
  await paused(flow);
  const last = await ask(flow);
  await life.stop(flow);
  await life.submit(flow, last);
  await life.processed(flow, 'second-sink', 40);
  expect(await timesRead(flow)).toEqual([2, 1]);
});
