import { StorageType } from 'nats';
import { JetStreamFlowState } from '../../../runtime/adapters/jetstream/jetstream-flow-state';
import { JetStreamPublisher } from '../../../runtime/adapters/jetstream/publishing/publisher';
import { consumerProgress } from '../../../runtime/adapters/jetstream/stream-trimmer';
import { isFinished } from '../../../runtime/engine/completion';
import type { ListingNotes, Part, Writer } from '../../../runtime/engine/ports/flow-state';
import { JetStreamPlace } from './jetstream-place';

let place: JetStreamPlace;
let publisher: JetStreamPublisher;
let flows = 0;

beforeAll(async () => {
  place = await JetStreamPlace.start();
  publisher = new JetStreamPublisher(place.connection);
});
afterAll(async () => {
  publisher.close();
  await place.close();
});

/** The state of a new flow and the name of its bucket. */
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

function writing(...streams: string[]): Writer {
  return { function: 'writer', streams };
}

function part(replica: number, replicas: number): Part {
  return { replica, replicas };
}

async function isRead(state: JetStreamFlowState, stream: string): Promise<boolean> {
  return isFinished(await state.sealedAt(stream), await consumerProgress(place.manager, stream, 'reader'));
}

describe('the end of a stream', () => {
  test('is sealed when the last of its writers ends', async () => {
    const { state } = await newFlow();
    await place.stream('two-writers');
    await place.fill('two-writers', ['a', 'b', 'c']);
    await state.markPartEnded(writing('two-writers'), part(1, 2));
    expect(await state.sealedAt('two-writers')).toBeUndefined();
    expect(
      await Promise.all([0, 1].map((replica) => state.hasEnded(writing('two-writers'), part(replica, 2)))),
    ).toEqual([false, true]);
    await state.markPartEnded(writing('two-writers'), part(0, 2));
    expect(await state.sealedAt('two-writers')).toBe(3);
  });

  test('is sealed once by writers that end together', async () => {
    const { state } = await newFlow();
    await place.stream('many-writers');
    await place.fill('many-writers', ['a']);
    const replicas = Array.from({ length: 8 }, (_, replica) => replica);
    await Promise.all(replicas.map((replica) => state.markPartEnded(writing('many-writers'), part(replica, 8))));
    expect(await state.sealedAt('many-writers')).toBe(1);
  });

  test('is sealed by the restart of a writer that was killed between its end and the seal', async () => {
    const { state, bucket } = await newFlow();
    await place.stream('killed-writer');
    await place.fill('killed-writer', ['a', 'b']);
    await expect(state.markPartEnded(writing('not-there-yet', 'killed-writer'), part(0, 1))).rejects.toThrow(
      'stream not found',
    );
    expect(await state.sealedAt('killed-writer')).toBeUndefined();
    await place.stream('not-there-yet');
    const restarted = await JetStreamFlowState.open(place.connection, bucket);
    expect(await restarted.hasEnded(writing('not-there-yet', 'killed-writer'), part(0, 1))).toBe(true);
    expect(await state.sealedAt('killed-writer')).toBe(2);
  });

  test('is reached by a reader that has acked everything, and by a reader of an empty stream', async () => {
    const { state } = await newFlow();
    for (const stream of ['read', 'unread-empty']) {
      await place.stream(stream);
      await place.consumer(stream, 'reader');
    }
    await place.fill('read', ['a']);
    expect(await isRead(state, 'unread-empty')).toBe(false);
    await state.markPartEnded(writing('read', 'unread-empty'), part(0, 1));
    expect(await isRead(state, 'unread-empty')).toBe(true);
    expect(await isRead(state, 'read')).toBe(false);
    const message = await (await place.connection.jetstream().consumers.get('read', 'reader')).next();
    expect(await isRead(state, 'read')).toBe(false);
    await message?.ackAck();
    expect(await isRead(state, 'read')).toBe(true);
  });

  test('is reached after acked records are trimmed, and again in a new run', async () => {
    const { state } = await newFlow();
    await place.stream('trimmed');
    await place.consumer('trimmed', 'reader');
    await place.fill('trimmed', ['a']);
    await (await (await place.connection.jetstream().consumers.get('trimmed', 'reader')).next())?.ackAck();
    await place.manager.streams.purge('trimmed');
    await state.markPartEnded(writing('trimmed'), part(0, 1));
    expect(await isRead(state, 'trimmed')).toBe(true);
  });
});

describe('a run', () => {
  test('continues until it completes, and the next one starts with nothing ended', async () => {
    const { state } = await newFlow();
    await place.stream('run');
    expect(await state.run()).toBe(1);
    expect(await state.beginRun()).toBe(1);
    await state.markPartEnded(writing('run'), part(0, 1));
    expect(await state.beginRun()).toBe(1);
    expect(await state.hasEnded(writing('run'), part(0, 1))).toBe(true);
    await state.markCompleted(1);
    expect(await state.beginRun()).toBe(2);
    expect(await state.run()).toBe(2);
    expect(await state.hasEnded(writing('run'), part(0, 1))).toBe(false);
    expect(await state.sealedAt('run')).toBeUndefined();
  });

  test('leaves only its completion and the state that outlives runs', async () => {
    const { state, bucket } = await newFlow();
    await place.stream('forgotten');
    await state.beginRun();
    for (const ever of [false, true]) {
      await (await state.listing('list', part(0, 1), { ever, publisher })).save('end', Buffer.from('note'));
    }
    await state.markPartEnded(writing('forgotten'), part(0, 1));
    await state.markCompleted(1);
    await state.beginRun();
    expect(await keysOf(bucket)).toEqual(['completed.1', expect.stringMatching(/^listed\.ever\.list\./), 'run']);
  });

  test('does not clear another run whose number has the same prefix', async () => {
    const { state } = await newFlow();
    await place.stream('alike');
    for (let run = 1; run <= 10; run++) {
      expect(await state.beginRun()).toBe(run);
      if (run < 10) await state.markCompleted(run);
    }
    await state.markPartEnded(writing('alike'), part(0, 1));
    expect(await state.hasEnded(writing('alike'), part(0, 1))).toBe(true);
  });
});

describe('a source that is scaled', () => {
  test('down after half of it has ended, ends with its remaining replica', async () => {
    const { state } = await newFlow();
    await place.stream('halved');
    const writer = writing('halved');
    await state.markPartEnded(writer, part(0, 2));
    expect(await state.hasEnded(writer, part(0, 1))).toBe(false);
    await place.fill('halved', ['the other half']);
    await state.markPartEnded(writer, part(0, 1));
    expect(await state.sealedAt('halved')).toBe(1);
    expect(await state.endedFunctions()).toEqual(['writer']);
  });

  test('up after its end stays ended', async () => {
    const { state } = await newFlow();
    await place.stream('doubled');
    const writer = writing('doubled');
    await state.markPartEnded(writer, part(0, 1));
    expect(await Promise.all([0, 1].map((replica) => state.hasEnded(writer, part(replica, 2))))).toEqual([true, true]);
  });

  test('up after a kill between two seals is sealed by any of its replicas', async () => {
    const { state } = await newFlow();
    await place.stream('sealed-half');
    const both = writing('sealed-half', 'unsealed-half');
    await expect(state.markPartEnded(both, part(0, 1))).rejects.toThrow('stream not found');
    expect(await state.endedFunctions()).toEqual([]);
    await place.stream('unsealed-half');
    expect(await state.hasEnded(both, part(1, 2))).toBe(true);
    expect(await state.sealedAt('unsealed-half')).toBe(0);
    expect(await state.endedFunctions()).toEqual(['writer']);
  });
});

test('a reader has ended when one of its replicas has seen the end', async () => {
  const { state } = await newFlow();
  await place.stream('one-of-three');
  await state.markEnded(writing('one-of-three'));
  expect(await state.endedFunctions()).toEqual(['writer']);
  expect(await state.sealedAt('one-of-three')).toBe(0);
});

test('a reopened writer has not ended, and is sealed at its next end', async () => {
  const { state } = await newFlow();
  await place.stream('again');
  const others = { function: 'other', streams: [] };
  await state.markPartEnded(writing('again'), part(0, 1));
  await state.markEnded(others);
  await state.reopen([writing('again')]);
  expect(await state.endedFunctions()).toEqual(['other']);
  expect(await state.hasEnded(writing('again'), part(0, 1))).toBe(false);
  expect(await state.sealedAt('again')).toBeUndefined();
  await place.fill('again', ['more']);
  await state.markPartEnded(writing('again'), part(0, 1));
  expect(await state.sealedAt('again')).toBe(1);
});

test('state survives a kill of the server', async () => {
  const { state } = await newFlow();
  await place.stream('kept');
  await state.beginRun();
  await state.markPartEnded(writing('kept'), part(0, 1));
  const restarted = place.restart('SIGKILL');
  expect(await state.endedFunctions()).toEqual(['writer']);
  await restarted;
  expect(await state.sealedAt('kept')).toBe(0);
});

describe('notes of a listing', () => {
  const contents = async (notes: ListingNotes) => {
    const found: string[] = [];
    for await (const { name, value, isOwn } of notes.read()) {
      found.push(`${name} ${Buffer.from(value)}${isOwn ? '' : ' of another'}`);
    }
    return found.sort();
  };

  test('are those of the source and scope, by name, and the last value counts', async () => {
    const { state } = await newFlow();
    const notes = await state.listing('list', part(0, 1), { ever: true, publisher });
    await notes.save('a', Buffer.from('one'));
    await notes.save('b', Buffer.from('two'));
    await notes.save('a', Buffer.from('three'));
    await notes.remove('b');
    const again = await state.listing('list', part(0, 1), { ever: true, publisher });
    expect(await contents(again)).toEqual(['a three']);
    expect(Buffer.from((await again.load('a')) ?? []).toString()).toBe('three');
    expect(await again.load('b')).toBeUndefined();
    expect(await contents(await state.listing('other', part(0, 1), { ever: true, publisher }))).toEqual([]);
    expect(await contents(await state.listing('list', part(0, 1), { ever: false, publisher }))).toEqual([]);
  });

  test('of another replica count are removed when every replica has adopted them', async () => {
    const { state } = await newFlow();
    const of = (replica: number, replicas: number) =>
      state.listing('list', part(replica, replicas), { ever: true, publisher });
    await (await of(0, 1)).save('a', Buffer.from('one'));
    const [first, second] = [await of(0, 2), await of(1, 2)];
    await first.save('b', Buffer.from('two'));
    await first.adopted();
    expect(await contents(second)).toEqual(['a one of another', 'b two of another']);
    await second.adopted();
    expect(await contents(first)).toEqual(['b two']);
  });

  test('are not removed because of what a replica adopted before the replica count changed back', async () => {
    const { state } = await newFlow();
    const of = (replica: number, replicas: number) =>
      state.listing('list', part(replica, replicas), { ever: true, publisher });
    await (await of(0, 2)).save('a', Buffer.from('one'));
    await (await of(1, 2)).adopted();
    const single = await of(0, 1);
    expect(await contents(single)).toEqual(['a one of another']);
    await single.save('b', Buffer.from('two'));
    const first = await of(0, 2);
    await first.adopted();
    expect(await contents(first)).toEqual(['a one', 'b two of another']);
  });
});
