import { type Msg, StringCodec } from 'nats';
import { AckLedger } from '../../../runtime/adapters/jetstream/ack-ledger';
import { JetStreamDelivery, MessagePuller } from '../../../runtime/adapters/jetstream/message-puller';
import type { Delivery } from '../../../runtime/engine/ports/delivery';
import { waitFor } from '../../support/wait-for';
import { JetStreamPlace } from './jetstream-place';

let place: JetStreamPlace;
let acks: AckLedger;
const pullers: MessagePuller[] = [];
const text = StringCodec();
const megabytes = 1024 * 1024;

beforeAll(async () => {
  place = await JetStreamPlace.start();
  acks = place.onReconnect(new AckLedger(place.connection));
});
afterEach(() => {
  for (const puller of pullers.splice(0)) puller.stop();
});
afterAll(async () => {
  acks.close();
  await place.close();
});

async function makeStream(stream: string, count: number, ackWaitMs?: number): Promise<void> {
  await place.stream(stream);
  await place.consumer(stream, 'reader', ackWaitMs);
  await place.fill(
    stream,
    Array.from({ length: count }, (_, index) => String(index)),
  );
}

/** A started puller and the list of its deliveries. */
function pull(stream: string): { puller: MessagePuller; deliveries: Delivery[] } {
  const deliveries: Delivery[] = [];
  const puller = place.onReconnect(new MessagePuller(place.connection, acks, { stream, durable: 'reader' }));
  pullers.push(puller);
  puller.start((delivery) => deliveries.push(delivery));
  return { puller, deliveries };
}

function payloadOf(delivery: Delivery | undefined): string {
  return text.decode(delivery?.payload ?? new Uint8Array());
}

test('takes no more messages than demanded', async () => {
  await makeStream('demand', 200);
  const { puller, deliveries } = pull('demand');
  puller.demand(30, 100 * megabytes);
  await waitFor('thirty', () => deliveries.length === 30);
  puller.demand(10, 100 * megabytes);
  await waitFor('ten more', () => deliveries.length === 40);
  puller.demand(0, 100 * megabytes);
  await place.connection.flush();
  expect(await place.ackPending('demand', 'reader')).toBe(40);
  expect(deliveries.map(payloadOf)).toEqual(Array.from({ length: 40 }, (_, index) => String(index)));
});

test('takes few messages while their size is unknown, and large ones one at a time', async () => {
  await place.stream('bytes');
  await place.consumer('bytes', 'reader');
  await place.fill('bytes', Array(40).fill(Buffer.alloc(512 * 1024)));
  const { puller, deliveries } = pull('bytes');
  puller.demand(500, 4 * megabytes);
  await waitFor('four megabytes', () => deliveries.length === 8);
  puller.demand(500, 100);
  await waitFor('one', () => deliveries.length === 9);
  expect(await place.ackPending('bytes', 'reader')).toBe(9);
});

test('reports stream, sequence, delivery count and time of a delivery', async () => {
  const before = Date.now();
  await makeStream('facts', 2);
  const { puller, deliveries } = pull('facts');
  puller.demand(2, megabytes);
  await waitFor('both', () => deliveries.length === 2);
  const [, second] = deliveries;
  expect(second).toMatchObject({ stream: 'facts', sequence: 2, deliveries: 1 });
  expect(second?.timestampMs).toBeGreaterThanOrEqual(before - 1);
  expect(second?.timestampMs).toBeLessThanOrEqual(Date.now() + 1);
});

test.each([
  ['', '$JS.ACK.orders.reader.3.17.19.1700000000123456789.5'],
  [' of a domain', '$JS.ACK.hub.ACCHASH.orders.reader.3.17.19.1700000000123456789.5'],
  [' of a domain with a token', '$JS.ACK.hub.ACCHASH.orders.reader.3.17.19.1700000000123456789.5.rnd'],
])('reads a reply subject%s', (_title, reply) => {
  const message = { reply, data: new Uint8Array() } as Msg;
  const delivery = new JetStreamDelivery(
    message,
    'orders',
    new MessagePuller(place.connection, acks, { stream: 'orders', durable: 'map' }),
  );
  expect(delivery).toMatchObject({ deliveries: 3, sequence: 17 });
  expect(delivery.timestampMs).toBeCloseTo(1_700_000_000_123, 0);
});

test('a message returned with a delay is redelivered after the delay', async () => {
  await makeStream('nak', 2);
  const { puller, deliveries } = pull('nak');
  puller.demand(2, 100 * megabytes);
  await waitFor('both', () => deliveries.length === 2);
  const at = performance.now();
  deliveries[0]?.nak(2_000);
  deliveries[1]?.nak(0);
  puller.demand(2, 100 * megabytes);
  await waitFor('the second', () => deliveries.length === 3);
  expect(deliveries[2]).toMatchObject({ sequence: 2, deliveries: 2 });
  await waitFor('the first', () => deliveries.length === 4);
  expect(deliveries[3]).toMatchObject({ sequence: 1, deliveries: 2 });
  expect(performance.now() - at).toBeGreaterThan(1_990);
});

test('a message in progress is not redelivered', async () => {
  await makeStream('working', 1, 4_000);
  const { puller, deliveries } = pull('working');
  puller.demand(1, 100 * megabytes);
  await waitFor('delivered', () => deliveries.length === 1);
  puller.demand(1, 100 * megabytes);
  const at = performance.now();
  await waitFor('work of twice the ackWait', () => {
    deliveries[0]?.working();
    return performance.now() - at > 8_000;
  });
  expect(deliveries).toHaveLength(1);
  await waitFor('delivered again', () => deliveries.length === 2);
});

test('a stopped puller hands over messages already in flight, so that they can be returned', async () => {
  await makeStream('in-flight', 500);
  const first = new MessagePuller(place.connection, acks, { stream: 'in-flight', durable: 'reader' });
  let taken = 0;
  first.start((delivery) => {
    if (taken++ === 0) first.stop();
    delivery.nak(0);
  });
  first.demand(500, 1_000 * megabytes);
  await waitFor('stopped', () => taken > 0);
  const { puller, deliveries } = pull('in-flight');
  puller.demand(500, 1_000 * megabytes);
  await waitFor('all of them', () => new Set(deliveries.map(({ sequence }) => sequence)).size === 500);
});

test('delivers messages that arrive in an empty stream without another request', async () => {
  await makeStream('empty', 0);
  let requests = 0;
  place.connection.subscribe('$JS.API.CONSUMER.MSG.NEXT.empty.reader', { callback: () => void requests++ });
  const { puller, deliveries } = pull('empty');
  puller.demand(100, 100 * megabytes);
  for (let n = 1; n <= 3; n++) {
    await place.fill('empty', [String(n)]);
    await waitFor('delivered', () => deliveries.length === n);
  }
  expect(requests).toBe(1);
});

/** Takes 100 of 300 messages, acks them around a server restart, then takes and acks the rest. */
async function readOverRestart(stream: string, signal: NodeJS.Signals, ackedBefore: number): Promise<number[]> {
  await makeStream(stream, 300);
  const { puller, deliveries } = pull(stream);
  puller.demand(100, 100 * megabytes);
  await waitFor('a third', () => deliveries.length === 100);
  for (const delivery of deliveries.slice(0, ackedBefore)) delivery.ack();
  await acks.flush();
  let acked = ackedBefore;
  const restarted = place.restart(signal);
  puller.demand(300, 100 * megabytes);
  // The server would redeliver unacked messages only later.
  await waitFor('all acked', async () => {
    for (const delivery of deliveries.slice(acked)) delivery.ack(); // some of them meet no server
    acked = deliveries.length;
    await restarted;
    return (await place.ackFloor(stream, 'reader')) === 300;
  });
  return deliveries.map(({ sequence }) => sequence);
}

const threeHundred = Array.from({ length: 300 }, (_, index) => index + 1);

test('continues after a server restart, and sends the acks made meanwhile', async () => {
  expect(await readOverRestart('restarted', 'SIGTERM', 50)).toEqual(threeHundred);
});

test('continues after the server is killed, and loses no ack that the server had not written', async () => {
  expect(new Set(await readOverRestart('killed', 'SIGKILL', 100))).toEqual(new Set(threeHundred));
});

test('continues when its consumer is deleted and recreated', async () => {
  await makeStream('again', 1);
  const { puller, deliveries } = pull('again');
  puller.demand(100, 100 * megabytes);
  await waitFor('delivered', () => deliveries.length === 1);
  await place.manager.consumers.delete('again', 'reader');
  await place.consumer('again', 'reader');
  await waitFor('delivered by the new one', () => deliveries.length === 2);
  expect(deliveries[1]).toMatchObject({ sequence: 1, deliveries: 1 });
});

test('starts before its consumer exists', async () => {
  await place.stream('late');
  await place.fill('late', ['0']);
  const { puller, deliveries } = pull('late');
  puller.demand(100, 100 * megabytes);
  await place.connection.flush();
  await place.consumer('late', 'reader');
  await waitFor('delivered', () => deliveries.length === 1);
});
