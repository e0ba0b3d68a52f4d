import { encodeClaim } from '../../../../runtime/engine/claim';
import { failure, map, noRoom, open, stage, turn } from '../loop-stage';

const [input] = map.inputs;
if (input === undefined) throw new Error('map reads nothing');
const spec = { inputs: [{ ...input, partitions: 16 }] };

/** Delivers a record of a key; returns its answers. */
const begin = (sequence: number, key: string, changes = {}) => stage.begin(sequence, { key, ...changes });

test('hands a record over when the outputs of the one of its key before it are stored', async () => {
  open({ spec });
  const answers = await begin(1, 'a');
  await begin(2, 'a');
  await begin(3, 'b');
  expect(stage.sequencesIn(0)).toEqual([1, 3]);
  stage.output(stage.idOf(1));
  stage.loop.done(stage.idOf(1));
  await turn();
  expect(stage.sequencesIn(0)).toEqual([1, 3]);
  stage.publisher.store(0);
  expect([answers, stage.sequencesIn(0)]).toEqual([['ack'], [1, 3, 2]]);
});

test('lets the records of a key wait through the retries of one, until its letter is stored', async () => {
  open({ spec });
  await begin(1, 'a');
  await begin(2, 'a');
  stage.loop.failed(stage.idOf(1), failure);
  await turn();
  expect(stage.sequencesIn(0)).toEqual([1]);
  const answers = await begin(1, 'a', { deliveries: 3 });
  stage.loop.failed(stage.idOf(1), failure);
  await turn();
  expect([answers, stage.sequencesIn(0)]).toEqual([[], [1, 1]]);
  stage.publisher.store(0);
  expect([answers, stage.sequencesIn(0)]).toEqual([['ack'], [1, 1, 2]]);
});

test('passes the key of a record on to its outputs', async () => {
  open({ spec });
  await begin(1, 'a');
  stage.output(stage.last);
  stage.output(stage.last, 'even');
  expect(stage.publisher.sent.map(({ headers }) => headers)).toMatchObject([
    { 'Kflow-Key': 'a' },
    { 'Kflow-Key': 'a' },
  ]);
});

test('keeps the key in a letter', async () => {
  open({ spec });
  await begin(1, 'a', { deliveries: 3 });
  stage.loop.failed(stage.last, failure);
  expect(stage.publisher.sent[0]?.headers).toMatchObject({ 'Kflow-Key': 'a' });
});

test('makes a crash of the host wait for nothing: records in the host keep their place', async () => {
  open({ spec });
  await begin(1, 'a');
  await begin(2, 'a');
  await begin(3, 'b');
  await stage.crash();
  expect(stage.sequencesIn(1)).toEqual([1]);
  stage.loop.done(stage.idOf(1));
  await turn();
  expect(stage.sequencesIn(1)).toEqual([1, 3]);
  stage.loop.done(stage.idOf(3));
  await turn();
  expect(stage.sequencesIn(1)).toEqual([1, 3, 2]);
});

test('demands more while records wait behind one that is retried', async () => {
  open({ spec });
  await begin(1, 'a');
  for (let sequence = 2; sequence < 30; sequence++) void stage.sources[0]?.deliver(sequence, { key: 'a' });
  await turn();
  expect(stage.sources[0]?.demands.at(-1)?.messages).toBe(0);
  stage.loop.failed(stage.idOf(1), failure);
  await turn();
  expect(stage.sources[0]?.demands.at(-1)?.messages).toBeGreaterThan(0);
});

test('gives all records of a key to the host at once in bulk mode', async () => {
  open({ spec: { ...spec, bulk: { flushTimerMs: 1_000, flushSize: 10, flushBytes: 1_000 } } });
  await begin(1, 'a');
  await begin(2, 'a');
  expect(stage.sequencesIn(0)).toEqual([1, 2]);
});

describe('a function that requests acks itself', () => {
  const acksManually = true;
  const done = async (sequence: number) => {
    stage.output(stage.idOf(sequence));
    stage.loop.done(stage.idOf(sequence));
    await turn();
  };

  test('gets a record when it has returned from the one of its key before', async () => {
    open({ spec, acksManually });
    for (const sequence of [1, 2, 3]) await begin(sequence, 'a');
    await begin(4, 'b');
    expect(stage.sequencesIn(0)).toEqual([1, 4]);
    await done(1);
    expect(stage.sequencesIn(0)).toEqual([1, 4, 2]);
    await done(2);
    stage.loop.ackRequested(stage.idOf(3));
    await done(3);
    for (const index of [0, 1]) {
      stage.publisher.store(index);
      await turn();
    }
    expect(stage.ids).toEqual([1, 2, 3].map((sequence) => `map:in-0:${sequence}:0`));
  });

  test('gets no record of a key while one before it is retried, those that it had got neither', async () => {
    open({ spec, acksManually, concurrency: 4 });
    await begin(1, 'a');
    await done(1);
    await begin(2, 'a');
    await begin(3, 'a');
    await begin(4, 'b');
    stage.loop.failed(stage.idOf(2), failure);
    await turn();
    expect(stage.sequencesIn(1)).toEqual([1, 4]);
    await done(1);
    expect(stage.sequencesIn(1)).toEqual([1, 4]);
    await begin(2, 'a', { deliveries: 2 });
    expect(stage.sequencesIn(1)).toEqual([1, 4, 2]);
    await done(2);
    expect(stage.sequencesIn(1)).toEqual([1, 4, 2, 3]);
  });

  test('gets the records behind a letter when it is stored', async () => {
    open({ spec, acksManually });
    await begin(1, 'a', { deliveries: 3 });
    await begin(2, 'a');
    stage.loop.failed(stage.idOf(1), failure);
    await turn();
    expect(stage.sequencesIn(1)).toEqual([]);
    stage.publisher.store(0);
    await turn();
    expect(stage.sequencesIn(1)).toEqual([2]);
  });

  test('gets the records of a key again in their order after a crash', async () => {
    open({ spec, acksManually });
    for (const sequence of [1, 2, 3]) await begin(sequence, 'a');
    await done(1);
    await done(2);
    await begin(4, 'b');
    await stage.crash();
    expect(stage.sequencesIn(1)[0]).toBe(3); // it may have ended the process, and runs alone
    await done(3);
    await done(4);
    await done(1);
    await done(2);
    expect(stage.sequencesIn(1)).toEqual([3, 4, 1, 2]);
  });

  test('gets the records of a key in their order when they run alone, after the end of a replica, and another one fails', async () => {
    open({ spec, acksManually, caution: { begin: async () => 0, end: () => undefined } });
    for (const [sequence, key] of [
      [1, 'a'],
      [2, 'a'],
      [3, 'b'],
    ] as const) {
      await begin(sequence, key, { deliveries: 2 });
    }
    await done(1);
    stage.loop.failed(stage.idOf(3), failure);
    await turn();
    await done(1);
    await done(2);
    expect(stage.sequencesIn(1)).toEqual([1, 2]);
  });

  test('gets no record of a key before the outputs of the one before it are stored that could not be stored at first', async () => {
    open({ spec, acksManually });
    await begin(1, 'a');
    await begin(2, 'b');
    await done(1);
    stage.loop.ackRequested(stage.idOf(2));
    await done(2);
    await begin(3, 'a');
    expect(stage.sequencesIn(0)).toEqual([1, 2, 3]);
    stage.publisher.refuse(0, noRoom);
    stage.publisher.store(1);
    await turn();
    expect(stage.sequencesIn(1)).toEqual([]);
    const answers = await begin(1, 'a', { deliveries: 2 });
    expect([answers, stage.sequencesIn(1)]).toEqual([[], []]);
    for (const index of [2, 3]) stage.publisher.store(index);
    await turn();
    expect([answers, stage.sequencesIn(1)]).toEqual([['ack'], [3]]); // its group was noted: it does not run again
  });
});

test('fetches the payload of a record that is retried although those that wait for it take all the room', async () => {
  const MiB = 1024 * 1024;
  const claim = (key: string, bytes: number) => ({ payload: encodeClaim({ bucket: 'b', key, bytes }) });
  open({ spec, ports: { claims: { fetch: async () => Buffer.from('c301') } } });
  await begin(1, 'a', claim('one', MiB));
  await begin(2, 'a', claim('two', 31 * MiB));
  stage.loop.failed(stage.idOf(1), failure);
  await turn();
  await begin(3, 'b', claim('three', 2 * MiB));
  expect(stage.sequencesIn(0)).toEqual([1]);
  await begin(1, 'a', { ...claim('one', 2 * MiB), deliveries: 2 });
  expect(stage.sequencesIn(0)).toEqual([1, 1]);
});
