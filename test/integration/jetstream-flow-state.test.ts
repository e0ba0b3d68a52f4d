import { StorageType } from 'nats';
import { JetStreamFlowState } from '../../runtime/adapters/jetstream/jetstream-flow-state';
import { JetStreamPublisher } from '../../runtime/adapters/jetstream/publisher';
import { consumerProgress } from '../../runtime/adapters/jetstream/stream-trimmer';
import { isFinished } from '../../runtime/engine/completion';
import { JetStreamPlace } from './jetstream-place';

let place: JetStreamPlace;
let publisher: JetStreamPublisher;
let flows = 0;

beforeAll(async () => {
  place = await JetStreamPlace.start();
  publisher = new JetStreamPublisher(place.connection);
}, 120_000);
afterAll(async () => {
  publisher.close();
  await place.close();
});

/** The state of a new flow, and the name of its bucket. */
async function newFlow(): Promise<{ state: JetStreamFlowState; bucket: string }> {
  const bucket = `flow-${++flows}`;
  await place.connection.jetstream().views.kv(bucket, { history: 1, storage: StorageType.File });
  return { state: await JetStreamFlowState.open(place.connection, bucket), bucket };
}

async function keysOf(bucket: string): Promise<string[]> {
  const found: string[] = [];
  for await (const key of await (await place.connection.jetstream().views.kv(bucket)).keys()) found.push(key);
  return found.sort();
}

async function isRead(state: JetStreamFlowState, stream: string): Promise<boolean> {
  return isFinished(await state.sealedAt(stream), await consumerProgress(place.manager, stream, 'reader'));
}

describe('the end of a stream', () => {
  test('is sealed when the last of its writers ends', async () => {
    const { state } = await newFlow();
    await place.stream('two-writers');
    await place.fill('two-writers', ['a', 'b', 'c']);
    await state.markEnded('writer', 1, 2, ['two-writers']);
    expect(await state.sealedAt('two-writers')).toBeUndefined();
    expect(await Promise.all([0, 1].map((replica) => state.hasEnded('writer', replica)))).toEqual([false, true]);
    await state.markEnded('writer', 0, 2, ['two-writers']);
    expect(await state.sealedAt('two-writers')).toBe(3);
  });

  test('is sealed once by writers that end at once', async () => {
    const { state } = await newFlow();
    await place.stream('many-writers');
    await place.fill('many-writers', ['a']);
    const replicas = Array.from({ length: 8 }, (_, replica) => replica);
    await Promise.all(replicas.map((replica) => state.markEnded('writer', replica, 8, ['many-writers'])));
    expect(await state.sealedAt('many-writers')).toBe(1);
  });

  test('is sealed by the restart of a writer that was killed between its end and the seal', async () => {
    const { state, bucket } = await newFlow();
    await place.stream('killed-writer');
    await place.fill('killed-writer', ['a', 'b']);
    await expect(state.markEnded('writer', 0, 1, ['not-there-yet', 'killed-writer'])).rejects.toThrow(
      'stream not found',
    );
    expect(await state.sealedAt('killed-writer')).toBeUndefined();
    await place.stream('not-there-yet');
    const restarted = await JetStreamFlowState.open(place.connection, bucket);
    expect(await restarted.hasEnded('writer', 0)).toBe(true);
    expect(await state.sealedAt('killed-writer')).toBe(2);
  });

  test('is reached by a reader that has acked all, and by one of an empty stream', async () => {
    const { state } = await newFlow();
    for (const stream of ['read', 'unread-empty']) {
      await place.stream(stream);
      await place.consumer(stream, 'reader');
    }
    await place.fill('read', ['a']);
    expect(await isRead(state, 'unread-empty')).toBe(false);
    await state.markEnded('writer', 0, 1, ['read', 'unread-empty']);
    expect(await isRead(state, 'unread-empty')).toBe(true);
    expect(await isRead(state, 'read')).toBe(false);
    const message = await (await place.connection.jetstream().consumers.get('read', 'reader')).next();
    expect(await isRead(state, 'read')).toBe(false);
    await message?.ackAck();
    expect(await isRead(state, 'read')).toBe(true);
  });

  test('is reached when what was acked is trimmed, and before a new run ends', async () => {
    const { state } = await newFlow();
    await place.stream('trimmed');
    await place.consumer('trimmed', 'reader');
    await place.fill('trimmed', ['a']);
    await (await (await place.connection.jetstream().consumers.get('trimmed', 'reader')).next())?.ackAck();
    await place.manager.streams.purge('trimmed');
    await state.markEnded('writer', 0, 1, ['trimmed']);
    expect(await isRead(state, 'trimmed')).toBe(true);
  });
});

describe('a run', () => {
  test('goes on until it is completed, and is followed by one in which nothing has ended', async () => {
    const { state } = await newFlow();
    await place.stream('run');
    expect(await state.run()).toBe(1);
    expect(await state.beginRun()).toBe(1);
    await state.markEnded('writer', 0, 1, ['run']);
    expect(await state.beginRun()).toBe(1);
    expect(await state.hasEnded('writer', 0)).toBe(true);
    await state.markCompleted(1);
    expect(await state.beginRun()).toBe(2);
    expect(await state.run()).toBe(2);
    expect(await state.hasEnded('writer', 0)).toBe(false);
    expect(await state.sealedAt('run')).toBeUndefined();
  });

  test('leaves nothing behind but that it was completed, and what is remembered over runs', async () => {
    const { state, bucket } = await newFlow();
    await place.stream('forgotten');
    await state.beginRun();
    await (await state.listed('list', false, publisher)).add('some key', 'v1');
    await (await state.listed('list', true, publisher)).add('some key', 'v1');
    await state.markEnded('writer', 0, 1, ['forgotten']);
    await state.markCompleted(1);
    await state.beginRun();
    expect(await keysOf(bucket)).toEqual(['completed.1', expect.stringMatching(/^listed\.ever\.list\./), 'run']);
  });

  test('forgets no other run whose number begins alike', async () => {
    const { state } = await newFlow();
    await place.stream('alike');
    for (let run = 1; run <= 10; run++) {
      expect(await state.beginRun()).toBe(run);
      if (run < 10) await state.markCompleted(run);
    }
    await state.markEnded('writer', 0, 1, ['alike']);
    expect(await state.hasEnded('writer', 0)).toBe(true);
  });
});

test('remembers which version of an object was listed, whatever its key', async () => {
  const { state } = await newFlow();
  const keys = ['a/b c.txt', 'é*>.txt', 'x'.repeat(1_000)];
  const listed = await state.listed('list', true, publisher);
  for (const key of keys) await listed.add(key, 'v1');
  await listed.add('a/b c.txt', 'v2');
  const again = await state.listed('list', true, publisher);
  expect(keys.map((key) => again.has(key, 'v1'))).toEqual([false, true, true]);
  expect(again.has('a/b c.txt', 'v2')).toBe(true);
  expect((await state.listed('other', true, publisher)).has('é*>.txt', 'v1')).toBe(false);
});
