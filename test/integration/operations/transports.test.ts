import { randomUUID } from 'node:crypto';
import { type Delivery, DummyTransport, PayloadError, type Transport } from '../../../runtime/operations';
import { openTransport } from '../../../runtime/operations/transport/open-transport';
import { waitFor } from '../../support/wait-for';
import { OperationPlace } from './operation-place';

let place: OperationPlace;
beforeAll(async () => {
  place = await OperationPlace.start();
});

const transports: readonly (readonly [string, () => Promise<Transport>])[] = [
  ['in memory', async () => new DummyTransport()],
  ['of nats', () => openTransport(place.config('transport'))],
];

describe.each(transports)('the transport %s', (_, open) => {
  let transport: Transport;
  let topic: string;
  beforeAll(async () => {
    transport = await open();
  });
  beforeEach(() => {
    topic = `t-${randomUUID()}`;
  });
  afterAll(() => transport.close());

  const next = (): Promise<Delivery> => waitFor('a message', () => transport.next([topic], 500));
  const publish = (text: string, id?: string) => transport.publish(topic, Buffer.from(text), id);

  test('delivers messages in their order, and those that are acked once', async () => {
    await publish('one');
    await publish('two');
    const [first, second] = [await next(), await next()];
    expect([await first.payload(), await second.payload()]).toEqual(['one', 'two']);
    expect(first.sequence).toBeLessThan(second.sequence);
    await first.ack();
    await second.ack();
    expect(await transport.next([topic], 100)).toBeUndefined();
  });

  test('delivers a released message again, with its number', async () => {
    await publish('one');
    const first = await next();
    await first.release();
    const again = await next();
    expect([await again.payload(), again.sequence, again.deliveries]).toEqual(['one', first.sequence, 2]);
    await again.ack();
  });

  test('drops the second of two messages with one id', async () => {
    const id = randomUUID();
    await publish('one', id);
    await publish('two', id);
    await (await next()).ack();
    expect(await transport.next([topic], 100)).toBeUndefined();
  });

  test('stores a value only on the revision that it was made from', async () => {
    const key = randomUUID();
    const save = (value: string, revision: number) => transport.save(key, { value, revision });
    expect(await transport.load(key)).toBeUndefined();
    const first = (await save('one', 0)) ?? 0;
    expect(await transport.load(key)).toEqual({ value: 'one', revision: first });
    expect(await save('other', 0)).toBeUndefined();
    const second = await save('two', first);
    expect(await save('other', first)).toBeUndefined();
    expect(await transport.load(key)).toEqual({ value: 'two', revision: second });
  });

  test('refuses what is too large as such', async () => {
    const large = 'x'.repeat(1_100_000);
    const calls = [
      publish(large),
      transport.publishResult(topic, Buffer.from(large)),
      transport.save(randomUUID(), { value: large, revision: 0 }),
    ];
    for (const settled of await Promise.allSettled(calls)) {
      const reason: unknown = settled.status === 'rejected' ? settled.reason : undefined;
      expect(reason).toBeInstanceOf(PayloadError);
      expect((reason as Error).message).toMatch(/^payload too large: 1,100,000 bytes, at most 1,0/);
    }
  });
});

test('a state that somebody deleted is as one that never was', async () => {
  const transport = await openTransport(place.config('transport'));
  const key = randomUUID();
  await transport.save(key, { value: 'one', revision: 0 });
  const values = await place.place.connection.jetstream().views.kv('kflow_default__operations');
  await values.delete(key);
  expect(await transport.load(key)).toBeUndefined();
  expect(await transport.save(key, { value: 'two', revision: 0 })).toBeGreaterThan(0);
  expect(await transport.load(key)).toMatchObject({ value: 'two' });
  await transport.close();
});

test('the transport of nats refuses a topic that is no word', async () => {
  const transport = await openTransport(place.config('transport'));
  await expect(transport.publish('a.b', Buffer.of())).rejects.toThrow('topic "a.b": want letters, digits, - and _');
  await transport.close();
});

test('the transports of Python do the same', async () => {
  const checks = place.start('checks', 'test/fixtures/operations/programs/transport_check.py');
  const status = await checks.ended();
  expect(checks.output).toMatch(/Ran 12 tests in .*\s+OK/);
  expect(status).toBe(0);
});
