import { JetStreamBulkLog } from '../../../runtime/adapters/jetstream/jetstream-bulk-log';
import { JetStreamFlowState } from '../../../runtime/adapters/jetstream/jetstream-flow-state';
import { JetStreamPlace } from './jetstream-place';

let place: JetStreamPlace;
let count = 0;
let stream: string;
let stateBucket: string;
let created: Date;
beforeAll(async () => {
  place = await JetStreamPlace.start();
});
beforeEach(async () => {
  stream = `input-${++count}`;
  stateBucket = `state-${count}`;
  await place.stream(stream);
  created = new Date((await place.manager.streams.info(stream)).created);
  await JetStreamFlowState.open(place.connection, stateBucket);
});

const open = (inputsCreated = [created]) => {
  const inputs = [{ function: 'in', stream, subject: `${stream}.out`, durable: 'sink' }];
  return JetStreamBulkLog.open({
    connection: place.connection,
    spec: { function: 'sink', inputs, stateBucket },
    inputsCreated,
  });
};
const bulkOf = (...sequences: number[]) => ({ input: 0, key: `from-${sequences[0]}`, sequences });
const at = (sequence: number) => ({ input: 0, sequence });

test('a decision is known to the replica, and to the one in its place', async () => {
  const log = await open();
  const decision = await log.decide(bulkOf(1, 2, 5));
  const ranges = [
    [1, 2],
    [5, 5],
  ];
  expect(decision).toEqual({ number: 1, input: 0, key: 'from-1', ranges });
  expect([log.of(at(5)), log.of(at(3))]).toEqual([decision, undefined]);
  expect((await open()).of(at(2))).toEqual(decision);
});

test('a replica that decides learns of what another has decided, and decides nothing then', async () => {
  const [one, other] = [await open(), await open()];
  await one.decide(bulkOf(1, 2));
  expect(await other.decide(bulkOf(2, 3))).toBeUndefined();
  expect(other.of(at(2))).toMatchObject({ number: 1, key: 'from-1' });
  expect(await other.decide(bulkOf(3))).toMatchObject({ number: 2, key: 'from-3' });
});

test('many replicas that decide at the same time decide about each record once', async () => {
  const logs = await Promise.all([1, 2, 3, 4].map(() => open()));
  await Promise.all(
    logs.map(async (log) => {
      for (let sequence = 1; sequence <= 20; sequence++) {
        while (log.of(at(sequence)) === undefined) await log.decide(bulkOf(sequence));
      }
    }),
  );
  const last = await open();
  const numbers = Array.from({ length: 20 }, (_, index) => last.of(at(index + 1))?.number);
  expect([...numbers].sort((left, right) => Number(left) - Number(right))).toEqual(
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
  for (const log of logs)
    expect(Array.from({ length: 20 }, (_, index) => log.of(at(index + 1))?.number)).toEqual(numbers);
});

test('a written object stays written', async () => {
  const log = await open();
  const decision = await log.decide(bulkOf(1));
  if (decision !== undefined) await log.written(decision, 3);
  expect([log.of(at(1)), (await open()).of(at(1))]).toMatchObject([{ writtenIn: 3 }, { writtenIn: 3 }]);
});

test('decisions about a stream that was recreated since do not count', async () => {
  await (await open()).decide(bulkOf(1));
  const recreated = await open([new Date(created.getTime() + 1)]);
  expect(recreated.of(at(1))).toBeUndefined();
  expect(await recreated.decide(bulkOf(1))).toMatchObject({ number: 2 });
});

describe('decisions that no stream needs any more', () => {
  let laterMs = 0;
  beforeEach(async () => {
    await place.fill(stream, Array(100).fill('a'));
    await place.manager.streams.purge(stream);
    laterMs = 0;
    const now = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => now() + laterMs);
  });
  afterEach(() => jest.restoreAllMocks());

  const decideTo = async (log: JetStreamBulkLog, last: number, first = 1) => {
    for (let sequence = first; sequence <= last; sequence++) await log.decide(bulkOf(sequence));
  };
  const numbersLeft = async () => {
    const { state } = await place.manager.streams.info(`KV_${stateBucket}`, { subjects_filter: '>' });
    const keys = Object.keys(state.subjects ?? {}).filter((subject) => subject.includes('.bulk.sink.'));
    return keys.map((key) => Number(key.split('.').at(-1))).sort((one, other) => one - other);
  };
  test('are kept while a replica may not know them', async () => {
    await decideTo(await open(), 100);
    expect(await numbersLeft()).toHaveLength(100);
  });

  test('are removed later, except for those since then', async () => {
    const log = await open();
    await decideTo(log, 50);
    laterMs = 3_600_000;
    await decideTo(log, 100, 51);
    expect(await numbersLeft()).toEqual(Array.from({ length: 50 }, (_, index) => index + 51));
    expect(await (await open()).decide(bulkOf(101))).toMatchObject({ number: 101 });
  });

  test('are not decided again by a replica that has decided nothing since', async () => {
    const [log, quiet] = [await open(), await open()];
    await decideTo(log, 50);
    laterMs = 3_600_000;
    await decideTo(log, 100, 51);
    expect(await quiet.decide(bulkOf(101))).toBeUndefined();
    expect(quiet.of(at(100))).toMatchObject({ number: 100 });
    expect(await quiet.decide(bulkOf(101))).toMatchObject({ number: 101 });
  });
});
