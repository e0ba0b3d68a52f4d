import { JetStreamFlowState } from '../../../runtime/adapters/jetstream/jetstream-flow-state';
import { waitFor } from '../../support/wait-for';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { CodeFolder } from '../replica/replica-run';
import { LetterFlow, type LetterFlowProps } from './letter-flow';

let place: JetStreamPlace;
const folder = new CodeFolder();
const opened: LetterFlow[] = [];

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((flow) => flow.stop()));
});
afterAll(async () => {
  await place.close();
  folder.remove();
});

async function open(props: LetterFlowProps): Promise<LetterFlow> {
  const flow = await LetterFlow.open(place, folder, props);
  opened.push(flow);
  return flow;
}

async function givenUp(props: LetterFlowProps): Promise<LetterFlow> {
  const flow = await open(props);
  flow.start('source');
  flow.start('map');
  await flow.untilGivenUp();
  return flow;
}

test.each(['javascript', 'python'] as const)(
  'a letter of a %s function shows its attempts, its place, its record, and which outputs are stored',
  async (language) => {
    const flow = await givenUp({ jobId: `shown-${language}`, language, count: 2, maxDeliver: 2 });
    const [letter] = await flow.letters();
    const detail = await (await flow.desk()).show(flow.flow, letter?.letter ?? 0);
    expect(detail).toMatchObject({
      function: 'map',
      state: 'open',
      reason: 'exception',
      errorType: language === 'python' ? 'ValueError' : 'RangeError',
      error: 'odd 1',
      place: expect.stringMatching(/^run \(.+:\d+\)$/),
      replica: 'map-0',
      stream: flow.stream('source'),
      sequence: 2,
      deliveries: 2,
      redrives: 0,
      json: '{"n":1}',
      storedOutputs: '0',
      attempts: [
        { number: 1, replica: 'map-0', error: expect.stringContaining('odd 1') },
        { number: 2, replica: 'map-0', error: expect.stringContaining('odd 1') },
      ],
    });
    expect(detail.trace).toContain('odd 1');
    expect(JSON.parse(detail.schema ?? '')).toMatchObject({ name: 'numbered' });
  },
);

test.each(['javascript', 'python'] as const)(
  'redriven letters of a %s function are processed once, though the stream has forgotten the ids of their outputs',
  async (language) => {
    const flow = await givenUp({ jobId: `again-${language}`, language });
    await flow.forgetIds();
    flow.repair();
    expect(await flow.redrive({ all: true, dryRun: true })).toMatchObject({
      letters: 3,
      functions: { map: 3 },
      isDryRun: true,
      groups: [{ function: 'map', letters: 3 }],
    });
    expect(await flow.letters()).toHaveLength(3);
    await flow.redrive();
    await flow.untilRedriven();
    expect(await flow.outputs()).toEqual(flow.everything());
    expect(await flow.letters()).toEqual([]);
  },
);

test('a redriven record that fails is a letter again, with the attempts and the redrives of both', async () => {
  const flow = await givenUp({ jobId: 'both', count: 2 });
  const first = await flow.redrive();
  await flow.untilRedriven();
  const second = await flow.redrive();
  await flow.untilRedriven();
  const [letter, ...others] = await flow.letters();
  expect(others).toEqual([]);
  const detail = await (await flow.desk()).show(flow.flow, letter?.letter ?? 0);
  expect(detail.redriven.map(({ id, by, comment }) => ({ id, by, comment }))).toEqual(
    [first, second].map(({ redrive }) => ({ id: redrive, by: 'eva', comment: 'repaired' })),
  );
  expect(detail.attempts.map(({ redrive }) => redrive)).toEqual([undefined, first.redrive, second.redrive]);
  expect(detail).toMatchObject({ redrives: 2, sequence: 2, storedOutputs: '0' });
  expect(await (await flow.desk()).redrives(flow.flow)).toMatchObject([
    { id: second.redrive, letters: 1, pending: 0, failed: 1, state: 'done' },
    { id: first.redrive, letters: 1, pending: 0, failed: 0, state: 'done' },
  ]);
  flow.repair();
  await flow.redrive();
  await flow.untilRedriven();
  expect(await flow.letters()).toEqual([]);
  expect(await flow.outputs()).toEqual(flow.everything());
});

test('letters are redriven in a function that is not running when it starts, and a batch does not end before', async () => {
  const flow = await givenUp({ jobId: 'later', mode: 'batch' });
  await Promise.all(flow.runs.map?.map(({ ended }) => ended) ?? []);
  await place.streams.reopen(flow.plan, ['map']);
  flow.repair();
  await flow.redrive();
  expect(await place.streams.redriving(flow.plan)).toEqual(['map']);
  const again = flow.start('map');
  expect(await again.ended).toEqual({ is: 'done' });
  expect(await flow.letters()).toEqual([]);
  expect(await flow.outputs()).toEqual(flow.everything());
  expect(await place.streams.redriving(flow.plan)).toEqual([]);
});

test('functions of a batch that have ended run again at the same time, with those behind them', async () => {
  const flow = await givenUp({ jobId: 'behind', mode: 'batch' });
  const leaf = flow.start('leaf');
  await Promise.all([...(flow.runs.map ?? []), leaf].map(({ ended }) => ended.catch(() => undefined)));
  flow.repair();
  await flow.redrive();
  const state = await JetStreamFlowState.of(place.connection, flow.plan.stateBucket);
  expect(await state.reopenBehind(['map'])).toEqual(['map', 'leaf']);
  const again = flow.start('leaf');
  await waitFor('the leaf runs', () => again.logs.some((line) => line.includes('started')));
  expect(await flow.start('map').ended).toEqual({ is: 'done' });
  expect(await again.ended).toEqual({ is: 'done' });
  expect(await flow.outputs()).toEqual(flow.everything());
  expect(await place.ackFloor(flow.stream('map'), 'leaf')).toBe(flow.everything().length);
});

test('a canceled redrive leaves the letters that have not begun, which can be redriven again', async () => {
  const flow = await givenUp({ jobId: 'canceled', count: 60 });
  flow.repair();
  // one letter now, and the next one in half an hour; the replica holds some of them
  const { redrive = '' } = await flow.redrive({ all: true, rate: 1 / 1_800 });
  await waitFor('the first letter is processed', async () => (await flow.letters()).length === 29);
  const desk = await flow.desk();
  expect((await desk.cancel(flow.flow, redrive)).canceled).toBeGreaterThan(0);
  await waitFor('none is pending', async () => (await desk.redrives(flow.flow))[0]?.state === 'canceled');
  expect(await flow.letters()).toHaveLength(29);
  await flow.redrive();
  await waitFor('all letters are processed', async () => (await flow.letters()).length === 0);
  expect(await flow.outputs()).toEqual(flow.everything());
});

test('letters that wait for their time are given back by a replica that stops', async () => {
  const flow = await givenUp({ jobId: 'waiting', count: 10 });
  flow.repair();
  await flow.redrive({ all: true, rate: 1 });
  await Promise.all(flow.runs.map?.map((run) => run.stop()) ?? []);
  flow.start('map');
  await waitFor('all letters are processed', async () => (await flow.letters()).length === 0);
  expect(await flow.outputs()).toEqual(flow.everything());
});

test('discarded letters do not count, keep their number, and can be restored and redriven', async () => {
  const flow = await givenUp({ jobId: 'aside', count: 4 });
  const desk = await flow.desk();
  const eva = { by: 'eva', comment: 'known ü' };
  const numbers = (await flow.letters()).map(({ letter }) => letter);
  const deadOf = async () => (await place.streams.progress(flow.plan)).find((each) => each.function === 'map');
  expect(await deadOf()).toMatchObject({ dead: 2, oldestDead: expect.stringMatching(/^\d{4}-/) });
  expect(await desk.discard(flow.flow, { all: true, dryRun: false }, eva)).toMatchObject({ letters: 2 });
  expect(await deadOf()).toMatchObject({ dead: 0 });
  expect(await desk.show(flow.flow, numbers[0] ?? 0)).toMatchObject({
    state: 'discarded',
    discarded: eva,
    json: '{"n":1}',
  });
  await desk.restore(flow.flow, { all: true, dryRun: false }, eva);
  expect((await flow.letters()).map(({ letter }) => letter)).toEqual(numbers);
  expect(await deadOf()).toMatchObject({ dead: 2 });
  flow.repair();
  await flow.redrive();
  await flow.untilRedriven();
  expect(await flow.outputs()).toEqual(flow.everything());
});

test('two redrives of the same letters at the same time process each letter once', async () => {
  const flow = await givenUp({ jobId: 'twice', count: 20 });
  flow.repair();
  await Promise.all([flow.redrive(), flow.redrive(), flow.redrive()]);
  await flow.untilRedriven();
  expect(await flow.letters()).toEqual([]);
  expect(await flow.outputs()).toEqual(flow.everything());
});
