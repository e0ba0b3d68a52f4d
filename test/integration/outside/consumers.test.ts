import { AckPolicy, type ConsumerConfig, DeliverPolicy } from 'nats';
import { Random, seed } from '../../support/random';
import { waitFor } from '../../support/wait-for';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { type FlowOptions, RunningFlow } from './running-flow';

const random = new Random(seed);
const flows: RunningFlow[] = [];
let place: JetStreamPlace;

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterEach(async () => {
  await Promise.all(flows.splice(0).map((flow) => flow.close()));
});
afterAll(() => place.close());

async function flowOf(jobId: string, options: FlowOptions & { readonly isWatched?: boolean }): Promise<RunningFlow> {
  const flow = await RunningFlow.provision(place, jobId, options);
  flows.push(flow);
  return flow;
}

/** A flow whose source has stored all records, and whose `map` takes some milliseconds for each. */
async function flowUnderLoad(
  jobId: string,
  { count = 600, ...options }: Partial<FlowOptions> & { isWatched?: boolean },
) {
  const map = 'await new Promise((resolve) => setTimeout(resolve, 5)); return event;';
  const flow = await flowOf(jobId, { mode: 'batch', count, map, ...options });
  void flow.start('source');
  await waitFor('the source has ended', async () => (await place.streams.endedFunctions(flow.plan)).includes('source'));
  await flow.stop('source');
  return flow;
}

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

function ascending(sequences: readonly number[]): readonly number[] {
  return [...sequences].sort((one, other) => one - other);
}

/** Resolves when `map` has acked a random number of further records. */
async function moreAcked(flow: RunningFlow): Promise<number> {
  const before = await floorOf(flow);
  const limit = before + random.upTo(60);
  return waitFor(
    'more acked',
    () => floorOf(flow),
    (floor) => floor > limit,
  );
}

async function floorOf(flow: RunningFlow): Promise<number> {
  return place.ackFloor(flow.stream('source'), 'map');
}

const manifests = { isWatched: false };

test.each([
  ['a controller', {}],
  ['manifests', manifests],
])('with %s, a consumer that is removed again and again loses no record and stores none twice', async (who, of) => {
  const flow = await flowUnderLoad(`removed-${who.slice(-5).trim()}`, { ...of, replicas: 2 });
  const ended = [flow.start('map', 0), flow.start('map', 1), flow.start('leaf')];
  for (let removal = 0; removal < 3; removal++) {
    await moreAcked(flow);
    const { created } = await place.manager.consumers.info(flow.stream('source'), 'map');
    await place.manager.consumers.delete(flow.stream('source'), 'map');
    const info = await waitFor('it is recreated', () => place.manager.consumers.info(flow.stream('source'), 'map'));
    expect(info.created).not.toBe(created);
  }
  const ends = await Promise.all(ended);
  expect(ends.map(({ is }) => is)).toEqual(['done', 'done', 'done']);
  expect(ascending(await flow.mapped())).toEqual(numbers(600));
  const drifts = await flow.drifts('map');
  expect(drifts.map(({ reason, lost }) => [reason, lost])).toEqual(Array(3).fill(['ConsumerRecreated', undefined]));
  expect(drifts[0]?.message).toMatch(
    /^the consumer map of kflow_default_removed-\S+ was removed or recreated from outside/,
  );
  expect((await flow.progressOf('map')).inputs).toMatchObject([{ pending: 0, ackPending: 0, acked: 600 }]);
});

const others: readonly (readonly [string, Partial<ConsumerConfig>])[] = [
  ['at the first record', { deliver_policy: DeliverPolicy.All }],
  ['only for new records', { deliver_policy: DeliverPolicy.New }],
  ['at a later record', { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: 290 }],
  ['without acks', { deliver_policy: DeliverPolicy.All, ack_policy: AckPolicy.None }],
  ['with few deliveries', { deliver_policy: DeliverPolicy.All, max_deliver: 1 }],
];

test.each(others)('a consumer that somebody recreates %s continues after the floor', async (title, config) => {
  const flow = await flowUnderLoad(`other-${title.replaceAll(' ', '-')}`, { ...manifests, count: 300 });
  void flow.start('map');
  await moreAcked(flow);
  await flow.stop('map');
  const stream = flow.stream('source');
  await place.manager.consumers.delete(stream, 'map');
  await place.manager.consumers.add(stream, { durable_name: 'map', ack_policy: AckPolicy.Explicit, ...config });
  const ends = await Promise.all([flow.start('map'), flow.start('leaf')]);
  expect(ends.map(({ is }) => is)).toEqual(['done', 'done']);
  expect(ascending(await flow.mapped())).toEqual(numbers(300));
  expect((await flow.drifts('map')).map(({ reason }) => reason)).toContain('ConsumerRecreated');
});

test('a consumer whose settings are changed or that is paused is restored', async () => {
  const flow = await flowUnderLoad('changed', { count: 400 });
  const ended = [flow.start('map'), flow.start('leaf')];
  await moreAcked(flow);
  const stream = flow.stream('source');
  await place.manager.consumers.update(stream, 'map', { max_deliver: 1, max_ack_pending: 1 });
  const until = new Date(Date.now() + 3_600_000).toISOString();
  const pause = JSON.stringify({ pause_until: until });
  await place.connection.request(`$JS.API.CONSUMER.PAUSE.${stream}.map`, pause);
  const ends = await Promise.all(ended);
  expect(ends.map(({ is }) => is)).toEqual(['done', 'done']);
  expect(ascending(await flow.mapped())).toEqual(numbers(400));
  const { config } = await place.manager.consumers.info(stream, 'map');
  expect(config).toMatchObject({ max_deliver: -1, max_ack_pending: 25_000 });
  const [drift] = await flow.drifts('map');
  expect(drift?.reason).toBe('ConsumerRestored');
});

test('a flow that was stopped continues at its floor although the consumer was removed meanwhile', async () => {
  const flow = await flowUnderLoad('stopped', { mode: 'stream', count: 300 });
  void flow.start('map');
  await moreAcked(flow);
  await flow.stop('map');
  const floor = await floorOf(flow);
  await place.manager.consumers.delete(flow.stream('source'), 'map');
  await place.streams.provision(flow.plan);
  const info = await place.manager.consumers.info(flow.stream('source'), 'map');
  expect(info.config.opt_start_seq).toBe(floor + 1);
  expect(info.num_pending).toBe(300 - floor);
  void flow.start('map');
  await waitFor('all acked', async () => (await floorOf(flow)) === 300);
  expect(ascending(await flow.mapped())).toEqual(numbers(300));
  expect((await flow.progressOf('map')).inputs).toMatchObject([{ acked: 300 }]);
  expect((await flow.drifts('map')).map(({ reason }) => reason)).toEqual(['ConsumerRecreated']);
  // a stream flow that is submitted again starts without a report
  await place.streams.beginRun(flow.plan);
  expect(await flow.drifts('map')).toEqual([]);
});
