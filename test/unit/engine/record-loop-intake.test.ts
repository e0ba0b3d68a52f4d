import { FunctionError } from '../../../lib/errors';
import { failure, map, open, stage, turn } from './loop-stage';

describe('preparation', () => {
  test('hands over the payload of a message as it is', async () => {
    const payload = Buffer.from('c301000000000000000007', 'hex');
    const { host } = open();
    await stage.begin(4, { payload });
    expect(host.records).toMatchObject([{ id: 0, payload, origin: { input: 0, sequence: 4 } }]);
  });

  test('exchanges a claim for its payload, and keeps the claim in the dead letter', async () => {
    const whole = Buffer.from('c3010000000000000000aa', 'hex');
    const { publisher, loop, host } = open({ ports: { claims: { fetch: async () => whole } } });
    const claim = Buffer.from('{"claim":{"bucket":"b","key":"k","bytes":11}}');
    await stage.begin(1, { payload: claim, deliveries: 3 });
    expect(host.records[0]?.payload).toBe(whole);
    loop.failed(stage.last, failure);
    expect(publisher.sent[0]?.payload).toBe(claim);
  });

  test('downloads an object before the record starts, and discards it once the record has ended', async () => {
    const discarded: unknown[] = [];
    const download = { path: '/tmp/a', metadata: {} };
    const downloads = {
      fetch: async () => download,
      discard: async (each: unknown) => {
        discarded.push(each);
      },
    };
    const { loop, host } = open({ ports: { downloads } });
    await stage.begin(1);
    expect(host.records[0]?.download).toBe(download);
    expect(discarded).toEqual([]);
    loop.done(stage.last);
    await turn();
    expect(discarded).toEqual([download]);
  });

  test('deletes a download that ends after its record was given back', async () => {
    const discarded: unknown[] = [];
    const download = { path: '/tmp/a', metadata: {} };
    let finish: (value: typeof download) => void = () => undefined;
    const fetch = () => new Promise<typeof download>((resolve) => (finish = resolve));
    const discard = async (each: unknown) => void discarded.push(each);
    const { loop, host } = open({ ports: { downloads: { fetch, discard } } });
    const answers = await stage.begin(1);
    await loop.stop(0);
    finish(download);
    await turn();
    expect([answers, discarded, host.records]).toEqual([['nak 0'], [download], []]);
  });

  test('looks up records that are delivered again without changing their order', async () => {
    const payload = Buffer.from('c301000000000000000007', 'hex');
    const answers = new Map<number, (isDead: boolean) => void>();
    const has = ({ sequence }: { readonly sequence: number }) =>
      new Promise<boolean>((resolve) => answers.set(sequence, resolve));
    const { host } = open({ ports: { letters: { has } } });
    const sequences = () => host.records.map(({ origin }) => origin.sequence);
    for (const sequence of [1, 2, 3]) await stage.begin(sequence, { payload, deliveries: 2 });
    await stage.begin(4, { payload });
    answers.get(3)?.(false);
    await turn();
    expect(sequences()).toEqual([]);
    answers.get(1)?.(false);
    await turn();
    expect(sequences()).toEqual([1]);
    answers.get(2)?.(true);
    await turn();
    expect(sequences()).toEqual([1, 3, 4]);
  });

  test('logs a download that cannot be deleted', async () => {
    const download = { path: '/tmp/a', metadata: {} };
    const discard = () => Promise.reject(new Error('EBUSY'));
    const { loop } = open({ ports: { downloads: { fetch: async () => download, discard } } });
    await stage.begin(1);
    loop.done(stage.last);
    await turn();
    expect(stage.logs).toEqual(['WARNING record in-0:1: downloaded file not deleted: Error: EBUSY']);
  });

  const claimOf = (bytes: number) => Buffer.from(`{"claim":{"bucket":"b","key":"k","bytes":${bytes}}}`);

  test('fetches payloads of at most 32 MiB at a time, and the next once a record has ended', async () => {
    const { loop, host, sources } = open();
    for (const sequence of [1, 2, 3]) sources[0]?.deliver(sequence, { payload: claimOf(16 * 1024 * 1024) });
    await turn();
    expect(host.records).toHaveLength(2);
    loop.done(stage.last);
    await turn();
    expect(host.records).toHaveLength(3);
  });

  test('fetches a payload above 32 MiB alone', async () => {
    const { loop, host, sources } = open();
    for (const sequence of [1, 2]) sources[0]?.deliver(sequence, { payload: claimOf(33 * 1024 * 1024) });
    await turn();
    expect(host.records).toHaveLength(1);
    loop.done(stage.last);
    await turn();
    expect(host.records).toHaveLength(2);
  });

  test('fetches 16 payloads at a time', async () => {
    const ends: (() => void)[] = [];
    const fetch = () => new Promise<Buffer>((resolve) => ends.push(() => resolve(Buffer.from('c301', 'hex'))));
    const { sources } = open({ ports: { claims: { fetch } } });
    for (let sequence = 1; sequence <= 18; sequence++) sources[0]?.deliver(sequence, { payload: claimOf(3) });
    await turn();
    expect(ends).toHaveLength(16);
    ends[0]?.();
    await turn();
    expect(ends).toHaveLength(17);
  });

  test('starts each record once, those behind a record that waits for its fetch included', async () => {
    const ends: (() => void)[] = [];
    const fetch = () => new Promise<Buffer>((resolve) => ends.push(() => resolve(Buffer.from('c301', 'hex'))));
    const { host, sources } = open({ ports: { claims: { fetch } } });
    for (let sequence = 1; sequence <= 17; sequence++) sources[0]?.deliver(sequence, { payload: claimOf(3) });
    sources[0]?.deliver(18);
    await turn();
    expect([ends.length, host.records]).toEqual([16, []]);
    ends[0]?.();
    await turn();
    for (const end of ends.slice(1)) end();
    await turn();
    const started = host.records.map(({ origin }) => origin.sequence).sort((one, other) => one - other);
    expect(started).toEqual(Array.from({ length: 18 }, (_, index) => index + 1));
  });

  test('fails the record when a download fails', async () => {
    const fetch = () => Promise.reject(new FunctionError('record-invalid', 'no object'));
    open({ ports: { downloads: { fetch, discard: async () => undefined } } });
    expect(await stage.begin(1)).toEqual(['nak 1000']);
  });
});

describe('demand', () => {
  test('leaves room for two bulks, however many records that is', async () => {
    const bulk = { flushTimerMs: 1_000, flushSize: 3_000, flushBytes: 1_000_000 };
    const { sources } = open({ concurrency: 3_000, spec: { bulk } });
    await turn();
    expect(sources[0]?.demands.at(-1)?.messages).toBe(6_000);
  });

  test('shrinks by what is held, grows again when records end, and is never negative', async () => {
    const { sources, loop, host } = open({ concurrency: 4 });
    await turn();
    const last = () => sources[0]?.demands.at(-1)?.messages;
    expect(last()).toBe(8);
    for (let sequence = 1; sequence <= 9; sequence++) sources[0]?.deliver(sequence);
    await turn();
    expect(last()).toBe(0);
    for (const { id } of host.records.slice(0, 3)) loop.done(id);
    await turn();
    expect(last()).toBeGreaterThanOrEqual(2);
    expect(last()).toBeLessThan(8);
  });

  test('is shared among the inputs', async () => {
    const { sources } = open({ concurrency: 4, inputs: 2 });
    await turn();
    expect(sources.map(({ demands }) => demands[0]?.messages)).toEqual([4, 4]);
  });

  test('counts payload bytes, claims by what they stand for', async () => {
    const { sources } = open({ ports: { claims: { fetch: () => new Promise(() => undefined) } } });
    await turn();
    const before = sources[0]?.demands.at(-1)?.bytes ?? 0;
    await stage.begin(1, { payload: Buffer.from('{"claim":{"bucket":"b","key":"k","bytes":5000}}') });
    expect(sources[0]?.demands.at(-1)?.bytes).toBe(before - 5_000);
  });

  test('gets the bytes of a record back once it has ended', async () => {
    const { sources, loop } = open();
    await turn();
    const before = sources[0]?.demands.at(-1)?.bytes;
    await stage.begin(1);
    expect(sources[0]?.demands.at(-1)?.bytes).toBe((before ?? 0) - 11);
    loop.done(stage.last);
    await turn();
    expect(sources[0]?.demands.at(-1)?.bytes).toBe(before);
  });

  test('ends with the stop', async () => {
    const { sources, loop } = open();
    await stage.begin(1);
    const stopped = loop.stop(60_000);
    const { length } = sources[0]?.demands ?? [];
    loop.done(stage.last);
    await stopped;
    await turn();
    expect(sources[0]?.demands).toHaveLength(length);
  });
});

describe('leases', () => {
  beforeEach(() => jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] }));
  afterEach(() => jest.useRealTimers());

  const third = map.ackWaitMs / 3;

  test('are renewed for what runs and what waits, three times within ackWait', async () => {
    const { host } = open({ concurrency: 1 });
    const answers = [await stage.begin(1), await stage.begin(2)];
    expect(host.records).toHaveLength(2);
    jest.advanceTimersByTime(2 * third);
    expect(answers).toEqual([
      ['working', 'working'],
      ['working', 'working'],
    ]);
  });

  test.each([1_000, 3_000, 30_000])('are renewed no more often with a max.poll.interval.ms of %i', async (ms) => {
    open({ spec: { maxPollIntervalMs: ms, ackWaitMs: ms }, isLongRunning: true });
    const answers = await stage.begin(1);
    jest.advanceTimersByTime(ms);
    expect(answers).toEqual(['working', 'working', 'working']);
  });

  test('are renewed while a payload is fetched, and while outputs and dead letters are stored', async () => {
    const fetch = () => new Promise<Buffer>(() => undefined);
    const { loop } = open({ ports: { claims: { fetch } } });
    const stored = await stage.begin(1);
    stage.output(stage.last);
    loop.done(stage.last);
    const dead = await stage.begin(2, { deliveries: 3 });
    loop.failed(stage.last, failure);
    const fetched = await stage.begin(3, { payload: Buffer.from('{"claim":{"bucket":"b","key":"k","bytes":3}}') });
    jest.advanceTimersByTime(third);
    expect([stored, dead, fetched]).toEqual([['working'], ['working'], ['working']]);
  });

  test('are renewed by a heartbeat at once', async () => {
    const { loop } = open();
    const answers = await stage.begin(1);
    loop.heartbeat(stage.last);
    expect(answers).toEqual(['working']);
  });

  test('last while heartbeats come', async () => {
    const { loop } = open({ spec: { maxPollIntervalMs: 30_000 } });
    const answers = await stage.begin(1);
    for (let count = 0; count < 6; count++) {
      jest.advanceTimersByTime(20_000);
      loop.heartbeat(stage.last);
    }
    expect(answers).not.toContain('nak 0');
  });

  test('of long-running processing never end', async () => {
    open({ spec: { maxPollIntervalMs: 30_000 }, isLongRunning: true });
    const answers = await stage.begin(1);
    jest.advanceTimersByTime(600_000);
    expect(new Set(answers)).toEqual(new Set(['working']));
  });

  test('end with the record', async () => {
    const { loop } = open();
    const answers = await stage.begin(1);
    loop.done(stage.last);
    jest.advanceTimersByTime(10 * third);
    expect(answers).toEqual(['ack']);
  });
});

describe('a stop', () => {
  test('takes no more, lets running records finish, and gives back those that have not started', async () => {
    const { loop, host, sources } = open();
    const running = await stage.begin(1);
    const waiting = sources[0]?.deliver(2);
    const stopped = loop.stop(60_000);
    const late = sources[0]?.deliver(3);
    await turn();
    expect([sources[0]?.isStopped, host.releases, host.records.length]).toEqual([true, 1, 1]);
    expect([waiting, late]).toEqual([['nak 0'], ['nak 0']]);
    loop.done(stage.last);
    await stopped;
    expect(running).toEqual(['ack']);
  });

  test('waits for the outputs and dead letters of ended records', async () => {
    const { loop, publisher } = open();
    const stored = await stage.begin(1);
    stage.output(stage.last);
    loop.done(stage.last);
    const dead = await stage.begin(2, { deliveries: 3 });
    loop.failed(stage.last, failure);
    const stopped = loop.stop(60_000);
    await turn();
    expect([stored, dead]).toEqual([[], []]);
    publisher.store(0);
    publisher.store(1);
    await stopped;
    expect([stored, dead]).toEqual([['ack'], ['ack']]);
  });

  test('gives back a running record when the grace period is over', async () => {
    const { loop } = open();
    const answers = await stage.begin(1);
    await loop.stop(0);
    expect(answers).toEqual(['nak 0']);
    expect(loop.idle).toBe(true);
  });

  test('gives back what the host releases, without counting a failure', async () => {
    const { loop } = open();
    const answers = await stage.begin(1);
    loop.released(stage.last);
    expect([answers, stage.counters.failed]).toEqual([['nak 0'], 0]);
  });
});

test('observes each attempt of the function once, with the time since its start', async () => {
  const observed: number[] = [];
  const { loop } = open({ observer: { processed: (processingMs) => observed.push(processingMs) } });
  await stage.begin(1);
  loop.began(stage.last);
  loop.done(stage.last);
  await stage.begin(2);
  loop.failed(stage.last, failure);
  await stage.begin(3);
  loop.released(stage.last);
  expect(observed).toEqual([expect.any(Number), expect.any(Number)]);
});

test('passes on the back pressure of the streams to the host', async () => {
  const { loop, publisher } = open();
  await stage.begin(1);
  expect(loop.output(stage.last, Buffer.from('c301', 'hex'), '')).toBeUndefined();
  const room = Promise.resolve();
  publisher.room = () => room;
  expect(loop.output(stage.last, Buffer.from('c301', 'hex'), '')).toBe(room);
});
