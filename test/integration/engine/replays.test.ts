import { nanos } from 'nats';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { waitFor } from '../../support/wait-for';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { inputOf, outputOf, Replica, recordOf, stopReplicas, textOf, type Work } from './engine-replica';

/** As short as the server allows, so that every retry comes later. */
const dedupeWindowMs = 100;

let place: JetStreamPlace;

beforeAll(async () => {
  place = await JetStreamPlace.start();
  await place.stream('dead');
});
afterEach(stopReplicas);
afterAll(() => place.close());

async function between(name: string, payloads: readonly string[]): Promise<Partial<FunctionSpec>> {
  const [from, to, aside] = [`${name}-in`, `${name}-out`, `${name}-aside`];
  await place.stream(from);
  for (const stream of [to, aside]) await place.stream(stream, { duplicate_window: nanos(dedupeWindowMs) });
  await place.consumer(from, 'map');
  await place.fill(from, payloads.map(recordOf));
  const output = outputOf(to, { dedupeWindowMs });
  return { inputs: [inputOf(from)], output, sideOutputs: [{ ...outputOf(aside, { dedupeWindowMs }), id: 'aside' }] };
}

async function stored(stream: string): Promise<string[]> {
  return (await place.payloads(stream)).map(textOf).sort();
}

/** Outputs two records and one side output for each record, then fails at the first attempt if the record says so. */
class FailsOnce {
  private readonly tried = new Set<string>();

  readonly work: Work = ({ id, payload }, events) => {
    const text = textOf(payload);
    void events.output(id, recordOf(`${text} a`), '');
    void events.output(id, recordOf(`${text} aside`), 'aside');
    void events.output(id, recordOf(`${text} b`), '');
    if (!text.startsWith('fails') || this.tried.has(text)) return;
    this.tried.add(text);
    throw new Error('after its outputs');
  };
}

test('publishes nothing twice when a record is retried after the dedupe window', async () => {
  const texts = ['fails 1', 'passes 1', 'fails 2', 'passes 2'];
  const replica = Replica.start(place, { spec: await between('late', texts), work: new FailsOnce().work });
  await waitFor('all acked', () => replica.counters.in === 4);
  expect(replica.counters.failed).toBe(2);
  expect(await stored('late-out')).toEqual(texts.flatMap((text) => [`${text} a`, `${text} b`]).sort());
  expect(await stored('late-aside')).toEqual(texts.map((text) => `${text} aside`).sort());
});

test('publishes the outputs that an earlier attempt did not reach, after the dedupe window', async () => {
  let tries = 0;
  const work: Work = ({ id }, events) => {
    void events.output(id, recordOf('first'), '');
    if (tries++ === 0) throw new Error('in the middle');
    void events.output(id, recordOf('second'), '');
  };
  const replica = Replica.start(place, { spec: await between('half', ['one']), work });
  await waitFor('acked', () => replica.counters.in === 1);
  expect(await stored('half-out')).toEqual(['first', 'second']);
});

test('finds the outputs of later failures too, while the output stream grows', async () => {
  const spec = await between('later', ['fails 1']);
  const replica = Replica.start(place, { spec, work: new FailsOnce().work });
  await waitFor('the first', () => replica.counters.in === 1);
  await place.fill('later-in', ['fails 2', ...Array(50).fill('passes')].map(recordOf));
  await waitFor('all', () => replica.counters.in === 52);
  const found = await stored('later-out');
  expect(found).toHaveLength(104);
  expect(found.filter((text) => text.startsWith('fails 2'))).toEqual(['fails 2 a', 'fails 2 b']);
});

test('continues when the earlier outputs have been trimmed', async () => {
  const replica = Replica.start(place, { spec: await between('trimmed', ['fails 1']), work: new FailsOnce().work });
  await waitFor('failed', () => replica.counters.failed === 1);
  await place.manager.streams.purge('trimmed-out');
  await waitFor('acked', () => replica.counters.in === 1);
  expect(await stored('trimmed-out')).toEqual(['fails 1 a', 'fails 1 b']);
});

test('publishes each output once more in a new epoch', async () => {
  const spec = await between('epoch', ['fails 1', 'passes 1']);
  const first = Replica.start(place, { spec });
  await waitFor('all in the first epoch', () => first.counters.in === 2);
  await first.stop();
  await place.manager.consumers.delete('epoch-in', 'map');
  await place.consumer('epoch-in', 'map');
  const second = Replica.start(place, { spec: { ...spec, epoch: 2 }, work: new FailsOnce().work });
  await waitFor('all in the second epoch', () => second.counters.in === 2);
  expect(second.counters.failed).toBe(1);
  expect(await stored('epoch-out')).toEqual(
    ['fails 1', 'fails 1 a', 'fails 1 b', 'passes 1', 'passes 1 a', 'passes 1 b'].sort(),
  );
});
