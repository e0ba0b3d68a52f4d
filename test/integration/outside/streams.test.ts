import { DiscardPolicy } from 'nats';
import { waitFor } from '../../support/wait-for';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { type FlowOptions, RunningFlow } from './running-flow';

const count = 300;
const flows: RunningFlow[] = [];
let place: JetStreamPlace;

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterEach(async () => {
  await Promise.all(flows.splice(0).map((flow) => flow.close()));
});
afterAll(() => place.close());

/** A batch whose source has ended, and whose `map` has acked some of the records. */
async function flowMidway(
  jobId: string,
  options: Partial<FlowOptions> & { readonly isWatched?: boolean } = {},
): Promise<{ readonly flow: RunningFlow; readonly mapEnds: ReturnType<RunningFlow['start']> }> {
  const map = 'await new Promise((resolve) => setTimeout(resolve, 10)); return event;';
  const flow = await RunningFlow.provision(place, jobId, { mode: 'batch', count, map, ...options });
  flows.push(flow);
  void flow.start('source');
  await waitFor('the source has ended', async () => (await place.streams.endedFunctions(flow.plan)).includes('source'));
  await flow.stop('source');
  const mapEnds = flow.start('map');
  const key = `$KV.${flow.plan.stateBucket}.floor.${flow.stream('source')}.map`;
  await waitFor('a noted floor', async () => {
    const { data } = await place.manager.streams.getMessage(`KV_${flow.plan.stateBucket}`, { last_by_subj: key });
    return (JSON.parse(Buffer.from(data).toString()) as { floor: number }).floor > 0;
  });
  return { flow, mapEnds };
}

test('records that are purged before they are processed are counted as lost, and the rest is processed', async () => {
  const { flow, mapEnds } = await flowMidway('purged');
  await place.manager.streams.purge(flow.stream('source'), { seq: 200 });
  expect((await mapEnds).is).toBe('done'); // the watcher reports the loss
  const mapped = new Set(await flow.mapped());
  for (let sequence = 200; sequence <= count; sequence++) expect(mapped).toContain(sequence);
  const drifts = await flow.drifts('map');
  expect(drifts.map(({ reason }) => reason)).toEqual(['RecordsRemoved']);
  const lost = drifts[0]?.lost ?? 0;
  expect(lost).toBeGreaterThanOrEqual(count - mapped.size);
  expect(lost).toBeLessThanOrEqual(199);
  expect(drifts[0]?.message).toMatch(
    /^at most \d+ records of kflow_default_purged_source .* were removed from outside/,
  );
});

test('a batch of plain manifests that lost records ends as incomplete', async () => {
  const { flow, mapEnds } = await flowMidway('purged-manifests', { isWatched: false });
  await place.manager.streams.purge(flow.stream('source'));
  const end = await mapEnds;
  expect(end).toMatchObject({ is: 'incomplete' });
  expect(end).toHaveProperty(
    'reason',
    expect.stringMatching(/^map is incomplete: at most \d+ records removed from outside/),
  );
});

test('a purge of records that are processed loses none', async () => {
  const { flow, mapEnds } = await flowMidway('history', { isWatched: false });
  const floor = await waitFor(
    'some acked',
    () => place.ackFloor(flow.stream('source'), 'map'),
    (each) => each > 60,
  );
  // what is noted lags behind
  await place.manager.streams.purge(flow.stream('source'), { seq: Math.max(2, floor - 55) });
  expect((await mapEnds).is).toBe('done');
  expect(new Set(await flow.mapped()).size).toBe(count);
});

test('single records that are removed are counted', async () => {
  const { flow, mapEnds } = await flowMidway('picked', { count: 1_500 });
  // further away than what the replica holds
  for (const sequence of [1_480, 1_490, 1_495])
    await place.manager.streams.deleteMessage(flow.stream('source'), sequence);
  await mapEnds;
  expect(new Set(await flow.mapped()).size).toBe(1_497);
  const lost = (await flow.drifts('map')).map((drift) => drift.lost ?? 0);
  expect(lost.reduce((sum, each) => sum + each, 0)).toBeGreaterThanOrEqual(3);
});

test('an input stream that is removed is recreated, and a batch ends with the loss', async () => {
  const { flow, mapEnds } = await flowMidway('removed', { isWatched: false });
  await place.manager.streams.delete(flow.stream('source'));
  const end = await mapEnds;
  expect(end).toHaveProperty('reason', expect.stringMatching(/^map is incomplete: at most \d+ records removed/));
  const drifts = await flow.drifts('map');
  expect(drifts.map(({ reason }) => reason)).toEqual(['StreamRecreated']);
  const processed = new Set(await flow.mapped()).size;
  expect(drifts[0]?.lost).toBeGreaterThanOrEqual(count - processed);
});

test('an output stream that is removed is recreated with its settings, and its writer goes on', async () => {
  const { flow, mapEnds } = await flowMidway('output');
  const stream = flow.stream('map');
  const { config } = await place.manager.streams.info(stream);
  await place.manager.streams.delete(stream);
  const again = await waitFor('the stream', () => place.manager.streams.info(stream));
  expect(again.config).toMatchObject({ subjects: config.subjects, discard: 'new', max_msgs: config.max_msgs });
  expect((await mapEnds).is).toBe('done');
  expect((await flow.drifts('map')).map(({ reason }) => reason)).toEqual(['StreamRecreated']);
  expect((await place.manager.streams.info(stream)).state.messages).toBeGreaterThan(0);
});

test('the stream of dead letters that is removed is recreated, and said', async () => {
  const { flow, mapEnds } = await flowMidway('letters');
  const stream = `kflow_default_${flow.plan.jobId}__dead`;
  await place.manager.streams.delete(stream);
  await waitFor('the stream', () => place.manager.streams.info(stream));
  await mapEnds;
  expect((await flow.drifts('map')).map(({ reason }) => reason)).toEqual(['LettersRemoved']);
});

test('settings of a stream that would discard records are restored', async () => {
  const { flow, mapEnds } = await flowMidway('settings');
  const stream = flow.stream('map');
  const { config } = await place.manager.streams.info(stream);
  await place.manager.streams.update(stream, { discard: DiscardPolicy.Old, max_age: 3_600_000_000_000 });
  const restored = await waitFor(
    'the settings',
    () => place.manager.streams.info(stream),
    (info) => info.config.discard === DiscardPolicy.New,
  );
  expect(restored.config).toMatchObject({ max_age: 0, max_msgs: config.max_msgs });
  await mapEnds;
  expect((await flow.drifts('map')).map(({ reason }) => reason)).toEqual(['StreamRestored']);
});

test('a batch of plain manifests ends as incomplete with the exact number of its dead letters', async () => {
  const flow = await RunningFlow.provision(place, 'poisoned', {
    mode: 'batch',
    count: 40,
    map: 'if (event.n % 13 === 5) throw new Error("poison"); return event;',
    replicas: 2,
    isWatched: false,
  });
  flows.push(flow);
  void flow.start('source');
  const ends = await Promise.all([flow.start('map', 0), flow.start('map', 1), flow.start('leaf')]);
  const reason = 'map is incomplete: 3 records in the dead letters, stream kflow_default_poisoned__dead';
  expect(ends).toEqual([{ is: 'incomplete', reason }, { is: 'incomplete', reason }, { is: 'done' }]);
  expect(new Set(await flow.mapped()).size).toBe(37);
  // the letters of a run do not count in the next one
  await place.streams.markCompleted(flow.plan);
  await place.streams.beginRun(flow.plan);
  expect((await flow.progressOf('map')).dead).toBe(0);
});

test('the bucket of state and schemas that is removed is restored: the batch ends, and reads nothing again', async () => {
  const { flow, mapEnds } = await flowMidway('buckets', { count: 1_500 });
  const { plan } = flow;
  const floorOf = () => place.ackFloor(flow.stream('source'), 'map');
  // the replica has seen the end of its source
  const before = await floorOf();
  await waitFor('some seconds of work', floorOf, (floor) => floor > before + 400);
  await place.manager.streams.delete(`KV_${plan.stateBucket}`);
  await waitFor('the schemas', async () => {
    const schemas = { subjects_filter: `$KV.${plan.stateBucket}.schema.*` };
    const info = await place.manager.streams.info(`KV_${plan.stateBucket}`, schemas);
    return Object.keys(info.state.subjects ?? {}).length > 0;
  });
  expect((await mapEnds).is).toBe('done');
  expect((await flow.start('leaf')).is).toBe('done');
  expect([...(await flow.mapped())].sort((one, other) => one - other)).toEqual(
    Array.from({ length: 1_500 }, (_, index) => index + 1),
  );
  expect(await place.streams.endedFunctions(plan)).toEqual(['source', 'map', 'leaf']);
  expect((await flow.drifts('map')).map(({ reason }) => reason)).toEqual(['StateRestored']);
});
