import { AckPolicy, ErrorCode, type NatsConnection, NatsError } from 'nats';
import { consumersOf } from '../../lib/plan/partitions';
import { JetStreamGroupLog } from '../../runtime/adapters/jetstream/groups/jetstream-group-log';
import { JetStreamFlowState } from '../../runtime/adapters/jetstream/jetstream-flow-state';
import type { Delivery } from '../../runtime/engine/ports/delivery';
import { inputOf, outputOf } from '../integration/engine/engine-replica';
import { JetStreamPlace } from '../integration/jetstream/jetstream-place';
import { waitFor } from '../support/wait-for';
import { mapSpec } from '../unit/plan/planned';
import { describeGroupLog } from './group-log-suite';

let place: JetStreamPlace;
let count = 0;
beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterAll(() => place.close());

async function openPlace(inputs = [inputOf('in')]) {
  const [output, stateBucket] = [`out-${++count}`, `groups-${count}`];
  await place.stream(output);
  await JetStreamFlowState.open(place.connection, stateBucket);
  const spec = mapSpec({ inputs, output: outputOf(output), stateBucket });
  const { connection } = place;
  return {
    stateBucket,
    spec,
    open: (created = new Date(0), over = connection) =>
      JetStreamGroupLog.open({ connection: over, spec, inputsCreated: [created], warn: () => undefined }),
    store: async ({ id, payload }: { readonly id: string; readonly payload: Uint8Array }) =>
      void (await connection.jetstream().publish(`${output}.out`, payload, { msgID: id })),
  };
}

describeGroupLog('a log of groups on a nats-server', openPlace);

const at = (sequence: number) => ({ stream: 'in', sequence, timestampMs: Date.now() }) as Delivery;

test('outputs that are larger than a message of the server are found again, and removed when they are stored', async () => {
  const { open, spec, stateBucket } = await openPlace();
  const log = await open();
  const outputs = [1, 2, 3].map((n) => ({ id: `map:in:${n}:0`, payload: Buffer.alloc(1_500_000, n) }));
  const group = await log.write({ records: [at(1), at(2), at(3)], outputs });
  const found = await (await (await open()).find(at(2)))?.missing();
  expect(
    found?.map(({ id, payload }) => [id, Buffer.from(payload).equals(Buffer.alloc(1_500_000, Number(id[7])))]),
  ).toEqual(outputs.map(({ id }) => [id, true]));
  const keys = async () => {
    const filter = { subjects_filter: `$KV.${stateBucket}.group.${spec.function}.>` };
    return Object.keys((await place.manager.streams.info(`KV_${stateBucket}`, filter)).state.subjects ?? {}).length;
  };
  expect(await keys()).toBeGreaterThan(8);
  group?.stored();
  await log.close();
  await waitFor('the outputs are removed', async () => (await keys()) === 0);
});

/** A connection that loses the answer to the first request with the subject, and does `meanwhile` before it says so. */
function losingAnswerTo(subject: string, meanwhile: () => Promise<unknown>): NatsConnection {
  let isLost = false;
  const request: NatsConnection['request'] = async (...args) => {
    const answer = await place.connection.request(...args);
    if (isLost || args[0] !== subject) return answer;
    isLost = true;
    await meanwhile();
    throw new NatsError('timeout', ErrorCode.Timeout);
  };
  return new Proxy(place.connection, {
    get: (target, name, proxy) => (name === 'request' ? request : Reflect.get(target, name, proxy)),
  });
}

const outputOfRecord = (sequence: number) => ({ id: `map:in:${sequence}:0`, payload: Buffer.from(`${sequence}`) });

test('a group is in the log although the answer was lost, and another replica has written after it', async () => {
  const { open, spec, stateBucket } = await openPlace();
  const other = await open();
  await other.write({ records: [at(1)], outputs: [outputOfRecord(1)] });
  const meanwhile = async () => {
    await other.find(at(1));
    expect(await other.write({ records: [at(3)], outputs: [outputOfRecord(3)] })).toBeDefined();
  };
  const log = await open(new Date(0), losingAnswerTo(`$KV.${stateBucket}.group.${spec.function}`, meanwhile));
  expect(await log.write({ records: [at(2)], outputs: [outputOfRecord(2)] })).toBeDefined();
  const found = await (await open()).find(at(2));
  expect((await found?.missing())?.map(({ id }) => id)).toEqual(['map:in:2:0']);
});

test('outputs that somebody has removed are not taken for stored ones', async () => {
  const { open, spec, stateBucket } = await openPlace();
  await (await open()).write({ records: [at(1)], outputs: [outputOfRecord(1)] });
  await place.manager.streams.purge(`KV_${stateBucket}`, { filter: `$KV.${stateBucket}.group.${spec.function}.*.*` });
  const found = await (await open()).find(at(1));
  await expect(found?.missing()).rejects.toThrow(
    /^outputs of records that were acked together were removed from the bucket/,
  );
});

test('records that are acked are dropped from a long log, of an input with partitions too', async () => {
  const input = { ...inputOf(`keyed-${count}`), partitions: 2 };
  const { open, spec, stateBucket } = await openPlace([input]);
  await place.stream(input.stream, { subjects: [`${input.subject}.*`] });
  const last = 4_202;
  for (let n = 0; n < last; n += 1_051) {
    const publishes = Array.from({ length: 1_051 }, () =>
      place.connection.jetstream().publish(`${input.subject}.0`, ''),
    );
    await Promise.all(publishes.slice(0, last - n));
  }
  for (const { durable, subject } of consumersOf(input)) {
    const config = { durable_name: durable, filter_subject: subject, ack_policy: AckPolicy.All, max_ack_pending: -1 };
    await place.manager.consumers.add(input.stream, config);
  }
  const consumer = await place.connection.jetstream().consumers.get(input.stream, `${input.durable}_p0`);
  for await (const message of await consumer.consume({ max_messages: 500 })) {
    if (message.seq < last) continue;
    expect(await message.ackAck()).toBe(true);
    break;
  }
  const log = await open();
  const record = (sequence: number) => ({ ...at(sequence), stream: input.stream }) as Delivery;
  const oddOnes = Array.from({ length: 2_100 }, (_, n) => 2 * n + 1);
  const written = await Promise.all(
    oddOnes.map((n) => log.write({ records: [record(n)], outputs: [outputOfRecord(n)] })),
  );
  for (const group of written) group?.stored();
  await log.write({ records: [record(last + 1)], outputs: [outputOfRecord(last + 1)] });
  await log.write({ records: [record(last + 3)], outputs: [outputOfRecord(last + 3)] });
  const value = await (await place.connection.jetstream().views.kv(stateBucket)).get(`group.${spec.function}`);
  expect(value?.json<{ stored: object }>().stored).toEqual({ [`map:${input.stream}@1970-01-01T00:00:00.000Z`]: [] });
});

test('a recreated input stream has other records', async () => {
  const { open } = await openPlace();
  await (await open()).write({ records: [at(1)], outputs: [] });
  const later = await open(new Date(1_000));
  expect(await later.find(at(1))).toBeUndefined();
  expect(await later.write({ records: [at(1)], outputs: [] })).toBeDefined();
});
