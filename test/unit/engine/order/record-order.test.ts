import { encodeClaim } from '../../../../runtime/engine/claim';
import { failure, map, open, stage, turn } from '../loop-stage';

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

test('gives all records of a key to the host at once without an order: in bulk mode, and where functions request acks', async () => {
  open({ spec: { ...spec, bulk: { flushTimerMs: 1_000, flushSize: 10, flushBytes: 1_000 } } });
  await begin(1, 'a');
  await begin(2, 'a');
  expect(stage.sequencesIn(0)).toEqual([1, 2]);
  await stage.loop.stop(0);
  open({ spec, acksManually: true });
  await begin(1, 'a');
  await begin(2, 'a');
  expect(stage.sequencesIn(0)).toEqual([1, 2]);
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
