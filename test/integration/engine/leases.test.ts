import { DiscardPolicy } from 'nats';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { waitFor } from '../../support/wait-for';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { inputOf, outputOf, passOn, Replica, recordOf, stopReplicas, textOf, type Work } from './engine-replica';

let place: JetStreamPlace;

beforeAll(async () => {
  place = await JetStreamPlace.start();
  await place.stream('dead');
});
afterEach(stopReplicas);
afterAll(() => place.close());

async function between(name: string, count: number, times: Partial<FunctionSpec> = {}) {
  const [from, to] = [`${name}-in`, `${name}-out`];
  await place.stream(from);
  await place.stream(to);
  await place.consumer(from, 'map', times.ackWaitMs);
  await place.fill(
    from,
    Array.from({ length: count }, (_, index) => recordOf(`record ${index}`)),
  );
  return { inputs: [inputOf(from)], output: outputOf(to), ...times };
}

/** Work that blocks until it is opened, and lists the records it has begun. */
class Gate {
  readonly begun: string[] = [];
  open: () => void = () => undefined;
  private readonly opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });

  readonly work: Work = async (record, events) => {
    this.begun.push(textOf(record.payload));
    await this.opened;
    await passOn(record, events);
  };
}

async function outputs(name: string): Promise<string[]> {
  return (await place.payloads(`${name}-out`)).map(textOf);
}

function acked(name: string, count: number): () => Promise<boolean> {
  return async () => (await place.ackFloor(`${name}-in`, 'map')) === count;
}

function pending(name: string): () => Promise<number> {
  return () => place.ackPending(`${name}-in`, 'map');
}

async function deliveries(name: string): Promise<number> {
  return (await place.manager.consumers.info(`${name}-in`, 'map')).delivered.consumer_seq;
}

/** How long the lease of each record has been renewed, in ms, by its reply subject. */
function renewals(name: string): () => ReadonlyMap<string, number> {
  const first = new Map<string, number>();
  const times = new Map<string, number>();
  place.connection.subscribe(`$JS.ACK.${name}-in.map.>`, {
    callback: (_error, { subject, data }) => {
      if (!Buffer.from(data).toString().startsWith('+WPI')) return;
      const now = performance.now();
      if (!first.has(subject)) first.set(subject, now);
      times.set(subject, now - (first.get(subject) ?? now));
    },
  });
  return () => times;
}

/** True when the leases of this many records have been renewed for longer than this. */
const longerThan = (ms: number, records: number) => (times: ReadonlyMap<string, number>) =>
  times.size === records && [...times.values()].every((time) => time > ms);

test('a slow record and those queued behind it are not redelivered while their leases are renewed', async () => {
  const spec = await between('slow', 3, { ackWaitMs: 4_000, maxPollIntervalMs: 600_000 });
  const renewed = renewals('slow');
  const gate = new Gate();
  const replica = Replica.start(place, { spec, work: gate.work });
  await waitFor('two ackWaits of renewals for each record', renewed, longerThan(8_000, 3));
  gate.open();
  await waitFor('acked', acked('slow', 3));
  expect(await deliveries('slow')).toBe(3);
  expect(replica.counters).toMatchObject({ in: 3, out: 3 });
});

test('a record that sends heartbeats is kept beyond max.poll.interval.ms', async () => {
  const spec = await between('beating', 1, { ackWaitMs: 4_000, maxPollIntervalMs: 4_000 });
  const renewed = renewals('beating');
  const replica = Replica.start(place, {
    spec,
    work: async (record, events) => {
      const beat = () => {
        events.heartbeat(record.id);
        return renewed();
      };
      await waitFor('renewals for twice max.poll.interval.ms', beat, longerThan(8_000, 1));
      await passOn(record, events);
    },
  });
  await waitFor('acked', acked('beating', 1));
  expect(await deliveries('beating')).toBe(1);
  expect(replica.logs).toEqual([]);
});

test('a record that takes too long is stopped, and its neighbors are processed once', async () => {
  const spec = await between('stuck', 3, { maxPollIntervalMs: 1_500, maxDeliver: 1 });
  const gate = new Gate();
  const work: Work = (record, events) =>
    textOf(record.payload) === 'record 1' ? gate.work(record, events) : passOn(record, events);
  const replica = Replica.start(place, { spec, work });
  await waitFor('its dead letter', () => replica.counters.dead === 1);
  gate.open(); // what the stopped host reports is ignored
  await waitFor('acked', acked('stuck', 3));
  expect(replica.counters).toMatchObject({ in: 2, failed: 1 });
  expect(replica.logs.join()).toMatch(/record stuck-in:2: attempt 1 of 1 failed, writing a dead letter: timed out: /);
  expect((await outputs('stuck')).sort()).toEqual(['record 0', 'record 2']);
  expect(await deliveries('stuck')).toBe(3);
});

test('a record that waits for room in a full stream is not charged with the wait', async () => {
  const spec = await between('full', 1, { maxPollIntervalMs: 1_500, maxDeliver: 1 });
  const limits = { subjects: ['full-out.out'], discard: DiscardPolicy.New };
  await place.manager.streams.update('full-out', { ...limits, max_msgs: 100 });
  const renewed = renewals('full');
  const replica = Replica.start(place, {
    spec,
    work: async ({ id, payload }, events) => {
      for (let count = 0; count < 5_000; count++) await events.output(id, payload, '');
    },
  });
  await waitFor('renewals for four times max.poll.interval.ms', renewed, longerThan(6_000, 1));
  await place.manager.streams.update('full-out', { ...limits, max_msgs: -1 });
  await waitFor('acked', acked('full', 1));
  expect(replica.counters).toMatchObject({ in: 1, out: 5_000, failed: 0 });
  expect(await place.count('full-out')).toBe(5_000);
});

test('a stopped replica returns records it has not started and finishes the running one', async () => {
  const spec = await between('stopped', 8);
  const gate = new Gate();
  const replica = Replica.start(place, { spec, work: gate.work });
  await waitFor('the first record to begin', () => gate.begun.length === 1);
  await waitFor('the replica to hold all records', pending('stopped'), (count) => count === 8);
  const stopped = replica.stop();
  const other = Replica.start(place, { spec });
  await waitFor('the other has the rest', () => other.counters.in === 7);
  await waitFor(
    'the server to have all acks but that of the running record',
    pending('stopped'),
    (count) => count === 1,
  );
  gate.open();
  await stopped;
  await waitFor('acked', acked('stopped', 8));
  expect(gate.begun).toEqual(['record 0']);
  expect(replica.counters).toMatchObject({ in: 1, out: 1 });
  expect(await place.count('stopped-out')).toBe(8);
});

test('a stopped replica returns records whose payloads are still being fetched', async () => {
  const spec = await between('fetched', 3);
  const removed: string[] = [];
  let arrive: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  let fetching = 0;
  const downloads = {
    fetch: async (payload: Uint8Array) => {
      fetching++;
      await arrived;
      return { path: `/tmp/${textOf(payload)}`, metadata: null };
    },
    discard: async ({ path }: { path: string | null }) => {
      removed.push(path ?? '');
    },
  };
  const replica = Replica.start(place, { spec, downloads });
  await waitFor('being fetched', () => fetching === 3);
  await replica.stop(60_000); // nothing runs, so nothing is waited for
  expect(replica.counters.in).toBe(0);
  arrive();
  await waitFor('what came late is removed', () => removed.length === 3);
  const other = Replica.start(place, { spec });
  await waitFor('another has them', () => other.counters.in === 3);
});

test('a record that outlasts the grace period is returned, and its late result is ignored', async () => {
  const spec = await between('endless', 2);
  const gate = new Gate();
  const replica = Replica.start(place, { spec, work: gate.work });
  await waitFor('begun', () => gate.begun.length === 1);
  await replica.stop(50);
  expect(replica.idle).toBe(true);
  gate.open();
  const other = Replica.start(place, { spec });
  await waitFor('another has both', () => other.counters.in === 2);
  expect(replica.counters).toMatchObject({ in: 0, out: 0 });
  expect((await outputs('endless')).sort()).toEqual(['record 0', 'record 1']);
});

test('replicas of one durable share the work, each record processed once', async () => {
  const spec = await between('shared', 200);
  const turn: Work = async (record, events) => {
    await new Promise((resolve) => setImmediate(resolve));
    await passOn(record, events);
  };
  const replicas = [1, 2].map(() => Replica.start(place, { spec, work: turn }));
  let count = 200;
  const processed = () => replicas.map((replica) => replica.counters.in);
  const feed = async () => {
    const more = Array.from({ length: 20 }, (_, index) => recordOf(`record ${count + index}`));
    await place.fill('shared-in', more);
    count += more.length;
    return processed();
  };
  await waitFor('both replicas to process records', feed, (counts) => counts.every((each) => each > 0));
  await waitFor('acked', acked('shared', count));
  expect(processed().reduce((sum, each) => sum + each)).toBe(count);
  expect(new Set(await outputs('shared')).size).toBe(count);
});

test('a stopped replica keeps no timers', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const replica = Replica.start(place, { spec: await between('timers', 1) });
  await waitFor('processed', () => replica.counters.in === 1);
  await replica.stop();
  await waitFor('its timers to end', timers, (count) => count <= before);
});
