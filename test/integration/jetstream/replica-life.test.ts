import { AckLedger } from '../../../runtime/adapters/jetstream/ack-ledger';
import { MessagePuller } from '../../../runtime/adapters/jetstream/message-puller';
import { ReplicaLife } from '../../../runtime/adapters/jetstream/replica-life';
import type { Delivery } from '../../../runtime/engine/ports/delivery';
import { waitFor } from '../../support/wait-for';
import { JetStreamPlace } from './jetstream-place';

let place: JetStreamPlace;
let acks: AckLedger;
let flows = 0;
let bucket = '';
const pullers: MessagePuller[] = [];

beforeAll(async () => {
  place = await JetStreamPlace.start();
  acks = new AckLedger(place.connection);
});
beforeEach(async () => {
  bucket = `life-${++flows}`;
  await place.connection.jetstream().views.kv(bucket, { history: 1 });
});
afterAll(async () => {
  for (const puller of pullers) puller.stop();
  acks.close();
  await place.close();
});

function begin({ identity = '0', epoch }: { identity?: string; epoch?: number } = {}): Promise<ReplicaLife> {
  const spec = { function: 'map', stateBucket: bucket, ...(epoch === undefined ? {} : { epoch }) };
  const log = (_level: string, text: string) => {
    throw new Error(text);
  };
  return ReplicaLife.begin({ connection: place.connection, spec, identity, log });
}

async function keys(): Promise<string[]> {
  const found: string[] = [];
  for await (const key of await (await place.connection.jetstream().views.kv(bucket)).keys()) found.push(key);
  return found.sort();
}

/** A message of a stream of this name, with an ackWait that no test waits for, and what is delivered after it. */
async function delivered(name: string): Promise<Delivery[]> {
  await place.stream(name);
  await place.consumer(name, 'map', 600_000);
  await place.fill(name, ['one']);
  const deliveries: Delivery[] = [];
  const puller = new MessagePuller(place.connection, acks, { stream: name, durable: 'map' });
  pullers.push(puller);
  puller.start((delivery) => {
    deliveries.push(delivery);
    puller.demand(1, 1_000_000);
  });
  puller.demand(1, 1_000_000);
  await waitFor('a delivery', () => deliveries.length === 1);
  return deliveries;
}

test('a replica is after a crash unless the one before it in its place has ended cleanly', async () => {
  expect((await begin()).isAfterCrash).toBe(false);
  const next = await begin();
  expect(next.isAfterCrash).toBe(true);
  expect((await begin({ identity: '1' })).isAfterCrash).toBe(false);
  await next.endCleanly();
  expect(await keys()).toEqual(['alive.map.1']);
  expect((await begin()).isAfterCrash).toBe(false);
});

test('lone attempts are counted until they have an outcome', async () => {
  const [delivery] = (await delivered('counted')) as [Delivery];
  const attempts: number[] = [];
  for (let count = 0; count < 3; count++) attempts.push(await (await begin()).begin(delivery));
  const last = await begin();
  last.end(delivery);
  attempts.push(await last.begin(delivery));
  expect(attempts).toEqual([0, 1, 2, 0]);
  last.end(delivery);
  await last.endCleanly();
  expect(await keys()).toEqual([]);
});

test('attempts of another message with the same sequence, and of another epoch, do not count', async () => {
  const [delivery] = (await delivered('recreated')) as [Delivery];
  await (await begin()).begin(delivery);
  const life = await begin({ epoch: 2 });
  expect(await life.begin(delivery)).toBe(0);
  expect(await (await begin()).begin({ ...delivery, timestampMs: delivery.timestampMs + 1 } as Delivery)).toBe(0);
});

test('the record of a lone attempt that ended its replica is redelivered at once, not after its lease', async () => {
  const deliveries = await delivered('returned');
  await (await begin()).begin(deliveries[0] as Delivery);
  await begin({ identity: '1' });
  await begin();
  await waitFor('the redelivery', () => deliveries.length === 2);
  expect(deliveries[1]).toMatchObject({ sequence: 1, deliveries: 2 });
});
