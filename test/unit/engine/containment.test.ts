import { ConfigError, KFlowError } from '../../../lib/errors';
import type { Delivery } from '../../../runtime/engine/ports/delivery';
import type { LoneAttempts } from '../../../runtime/engine/ports/lone-attempts';
import { failure, map, noRoom, open, stage, turn } from './loop-stage';

const exit = new KFlowError('host-exited', 'Python exited with code 0');

/** Delivers these sequences and waits until they are in the host; returns the answers of each. */
async function begin(...sequences: number[]): Promise<string[][]> {
  const answers = sequences.map((sequence) => stage.sources[0]?.deliver(sequence) ?? []);
  await turn();
  return answers;
}

describe('a crash', () => {
  test('is a failed attempt of the record that was alone in the host', async () => {
    open();
    const [answers] = await begin(1);
    await stage.crash();
    expect(answers).toEqual(['nak 1000']);
    expect(stage.counters).toMatchObject({ failed: 1, lastFailure: 'crashed: Python was killed by SIGKILL' });
    expect(stage.logs).toEqual([
      'ERROR record in-0:1: attempt 1 of 3 failed, retrying in 1000 ms: crashed: Python was killed by SIGKILL',
    ]);
  });

  test('by an exit says so', async () => {
    open();
    await begin(1);
    await stage.crash(exit);
    expect(stage.counters.lastFailure).toBe('exited: Python exited with code 0');
  });

  test('at the last attempt makes a dead letter with the reason', async () => {
    const { publisher } = open();
    const answers = await stage.begin(1, { deliveries: 3 });
    await stage.crash(exit);
    expect(publisher.sent[0]?.headers).toMatchObject({ 'Kflow-Reason': 'exited', 'Kflow-Error-Type': 'exited' });
    publisher.store(0);
    expect(answers).toEqual(['ack']);
  });

  test('with several records in the host charges nobody: they run again, one at a time, before anything new', async () => {
    open();
    const answers = await begin(1, 2, 3);
    await stage.crash();
    const [late] = await begin(4);
    expect(stage.sequencesIn(1)).toEqual([1]);
    stage.loop.done(stage.idOf(1));
    expect(stage.sequencesIn(1)).toEqual([1, 2]);
    stage.loop.failed(stage.idOf(2), failure);
    stage.loop.done(stage.idOf(3));
    expect(stage.sequencesIn(1)).toEqual([1, 2, 3, 4]);
    stage.loop.done(stage.idOf(4));
    expect([...answers, late]).toEqual([['ack'], ['nak 1000'], ['ack'], ['ack']]);
    expect(stage.logs[0]).toBe(
      "WARNING the function's code has ended with record in-0:1, record in-0:2, record in-0:3; running each alone: " +
        'Python was killed by SIGKILL',
    );
  });

  test('of a record that runs alone is charged to it, and clears the others', async () => {
    open();
    const answers = await begin(1, 2, 3, 4);
    await stage.crash();
    stage.loop.done(stage.idOf(1));
    await stage.crash();
    expect(answers).toEqual([['ack'], ['nak 1000'], [], []]);
    expect(stage.sequencesIn(2)).toEqual([3, 4]); // together
    for (const sequence of [3, 4]) stage.loop.done(stage.idOf(sequence));
    expect(answers).toEqual([['ack'], ['nak 1000'], ['ack'], ['ack']]);
  });

  test('makes suspects of the records that entered the host first; the others run together after them', async () => {
    open({ concurrency: 1 });
    const sequences = Array.from({ length: 20 }, (_, index) => index + 1);
    const answers = await begin(...sequences);
    await stage.crash();
    for (const sequence of sequences.slice(0, 16)) {
      expect(stage.sequencesIn(1).at(-1)).toBe(sequence);
      stage.loop.done(stage.idOf(sequence));
    }
    expect(stage.sequencesIn(1)).toEqual(sequences);
    for (const sequence of sequences.slice(16)) stage.loop.done(stage.idOf(sequence));
    expect(answers.flat()).toEqual(sequences.map(() => 'ack'));
  });

  test('is remembered: the record is run alone when it is delivered again', async () => {
    open();
    await begin(1);
    await stage.crash();
    await begin(2, 3);
    await stage.begin(1, { deliveries: 2 });
    const [late] = await begin(4);
    expect(stage.sequencesIn(1)).toEqual([2, 3]);
    for (const sequence of [2, 3]) stage.loop.done(stage.idOf(sequence));
    expect(stage.sequencesIn(1)).toEqual([2, 3, 1]);
    await stage.crash();
    expect(late).toEqual([]);
    expect(stage.sequencesIn(2)).toEqual([4]);
    expect(stage.counters.failed).toBe(2);
  });

  test('at the last attempt, in a host that ran other records, is tried once more in a new host', async () => {
    open({ spec: { maxDeliver: 1 } });
    await begin(1);
    stage.loop.done(stage.idOf(1)); // it may have left a thread that ends the host
    const [innocent] = await begin(2);
    await stage.crash();
    stage.loop.done(stage.idOf(2));
    expect(innocent).toEqual(['ack']);
    expect(stage.counters).toMatchObject({ failed: 0, dead: 0 });
  });

  test('leaves records alone that have finished and whose outputs are being stored', async () => {
    const { publisher } = open();
    const [finished] = await begin(1);
    stage.output(stage.last);
    stage.loop.done(stage.last);
    await begin(2);
    await stage.crash();
    publisher.store(0);
    expect(finished).toEqual(['ack']);
    expect(stage.sequencesIn(1)).toEqual([]); // 2 was alone, and has been given back
  });

  test('makes the outputs of a record that runs again start from 0: the streams store each once', async () => {
    const { publisher } = open();
    const [one] = await begin(1, 2);
    stage.output(stage.idOf(1));
    stage.output(stage.idOf(1));
    await stage.crash();
    stage.output(stage.idOf(1));
    stage.output(stage.idOf(1));
    stage.loop.done(stage.idOf(1));
    expect(stage.ids).toEqual(['map:in-0:1:0', 'map:in-0:1:1', 'map:in-0:1:0', 'map:in-0:1:1']);
    publisher.refuse(0, noRoom); // an output of the run before
    for (const index of [2, 3]) publisher.store(index);
    expect(one).toEqual([]);
    publisher.store(1);
    expect(one).toEqual(['ack']);
  });

  test('ends the reports of the host', async () => {
    open();
    const answers = await begin(1, 2);
    const { events } = stage.hostAt(0);
    const id = stage.idOf(1);
    await stage.crash();
    events.done(id);
    events.failed(id, failure);
    void events.output(id, Buffer.from('c301', 'hex'), '');
    events.crashed(exit);
    await turn();
    expect([answers, stage.ids, stage.hosts.length]).toEqual([[[], []], [], 2]);
  });
});

describe('a host in which one record after another fails', () => {
  const fail = async (sequence: number, deliveries = 3) => {
    const answers = await stage.begin(sequence, { deliveries });
    stage.loop.failed(stage.idOf(sequence), failure);
    await turn();
    return answers;
  };
  const succeed = async (sequence: number) => {
    await begin(sequence);
    stage.loop.done(stage.idOf(sequence));
  };

  test('is replaced, and the last attempt repeated alone: an earlier record may have spoiled it', async () => {
    const { host, publisher } = open();
    await succeed(1);
    await fail(2, 1);
    const [waiting] = await begin(4);
    const answers = await fail(3);
    expect(host.isKilled).toBe(true);
    expect(stage.sequencesIn(1)).toEqual([3]);
    stage.loop.done(stage.idOf(3));
    stage.loop.done(stage.idOf(4));
    expect([answers, waiting, publisher.sent]).toEqual([['ack'], ['ack'], []]);
    expect(stage.logs.at(-1)).toBe(
      'WARNING record in-0:3: records fail one after another, repeating the last attempt alone in a new process: ' +
        'ValueError: no',
    );
  });

  test('is replaced once more when the repeated attempt fails, because that may have spoiled the new one', async () => {
    const { publisher } = open();
    await succeed(1);
    await fail(2, 1);
    await fail(3);
    stage.loop.failed(stage.idOf(3), failure);
    await turn();
    expect(publisher.sent.map(({ id }) => id)).toEqual(['dead:map:in-0:3']);
    const [answers] = await begin(2);
    expect(stage.sequencesIn(2)).toEqual([2]);
    stage.loop.done(stage.idOf(2));
    expect(answers).toEqual(['ack']);
  });

  test('costs two processes a minute when the records are the cause: they become dead letters', async () => {
    const { publisher } = open();
    await succeed(1);
    await fail(2);
    await fail(3);
    stage.loop.failed(stage.idOf(3), failure);
    await turn();
    for (const sequence of [4, 5, 6]) await fail(sequence);
    await succeed(7);
    for (const sequence of [8, 9, 10]) await fail(sequence);
    expect([publisher.sent.length, stage.hosts.length]).toEqual([8, 3]);
  });

  test('is replaced at the first failure once that has helped, as when memory is used up again and again', async () => {
    const { publisher } = open();
    await succeed(1);
    await fail(2, 1);
    await fail(3);
    stage.loop.done(stage.idOf(3));
    await fail(4);
    expect(stage.sequencesIn(2)).toEqual([4]);
    stage.loop.done(stage.idOf(4));
    expect(publisher.sent).toEqual([]);
  });

  test('is not replaced when records succeed between the failures, or when retries are left', async () => {
    const { publisher } = open();
    for (const sequence of [1, 3, 5]) {
      await succeed(sequence);
      await fail(sequence + 1);
    }
    await succeed(11);
    for (const sequence of [12, 13, 14]) await fail(sequence, 1);
    expect([publisher.sent.length, stage.hosts.length]).toEqual([3, 1]);
  });

  test('counts the attempts of one record once', async () => {
    const { publisher } = open();
    await succeed(1);
    for (const deliveries of [1, 2, 3]) await fail(2, deliveries);
    expect([publisher.sent.length, stage.hosts.length]).toEqual([1, 1]);
  });
});

describe('a record without a heartbeat', () => {
  beforeEach(() => jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] }));
  afterEach(() => jest.useRealTimers());

  const third = map.ackWaitMs / 3;
  /** Until a record that has just entered the host is overdue. */
  const wait = async () => {
    jest.advanceTimersByTime(third); // its time begins
    jest.advanceTimersByTime(30_000 + third);
    await turn();
  };

  test('is stopped after max.poll.interval.ms: the host is killed, and the attempt has failed', async () => {
    const { host } = open({ spec: { maxPollIntervalMs: 30_000 } });
    const [answers] = await begin(1);
    await wait();
    expect(host.isKilled).toBe(true);
    expect(answers?.at(-1)).toBe('nak 1000');
    expect(stage.counters.lastFailure).toMatch(/^timed out: no result and no heartbeat within max\.poll\.interval\.ms/);
  });

  test('becomes a dead letter that says so at its last attempt', async () => {
    const { publisher } = open({ spec: { maxPollIntervalMs: 30_000 } });
    await stage.begin(1, { deliveries: 3 });
    await wait();
    expect(publisher.sent[0]?.headers).toMatchObject({ 'Kflow-Reason': 'timed out' });
  });

  test('charges no neighbors: they run again, the overdue record alone and first', async () => {
    open({ spec: { maxPollIntervalMs: 30_000 }, concurrency: 1 });
    const answers = await begin(1, 2, 3);
    await wait();
    expect(stage.sequencesIn(1)).toEqual([1]);
    await wait();
    expect(stage.sequencesIn(2)).toEqual([2, 3]);
    for (const sequence of [2, 3]) stage.loop.done(stage.idOf(sequence));
    expect(answers.map((each) => each.at(-1))).toEqual(['nak 1000', 'ack', 'ack']);
    expect(stage.counters).toMatchObject({ in: 2, failed: 1 });
  });

  test('is not one whose replica was frozen', async () => {
    const { host } = open({ spec: { maxPollIntervalMs: 30_000 } });
    await begin(1);
    jest.advanceTimersByTime(2 * third);
    jest.setSystemTime(Date.now() + 600_000);
    jest.advanceTimersByTime(2 * third);
    expect(host.isKilled).toBe(false);
  });

  test('is not one whose host waits for room for outputs, be it those of another record', async () => {
    const { host, publisher } = open({ spec: { maxPollIntervalMs: 30_000 } });
    await begin(1, 2);
    jest.advanceTimersByTime(third);
    let makeRoom: () => void = () => undefined;
    publisher.room = () => new Promise((resolve) => (makeRoom = resolve));
    stage.output(stage.idOf(1));
    stage.loop.done(stage.idOf(1));
    jest.advanceTimersByTime(600_000);
    expect(host.isKilled).toBe(false);
    makeRoom();
    await turn();
    jest.advanceTimersByTime(30_000 - third);
    expect(host.isKilled).toBe(false);
    jest.advanceTimersByTime(2 * third);
    expect(host.isKilled).toBe(true);
  });
});

describe('code that ends between records', () => {
  beforeEach(() => jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] }));
  afterEach(() => jest.useRealTimers());

  const restart = async () => {
    await stage.crash();
    jest.advanceTimersByTime(15_000);
    await turn();
  };

  test('is started again after a delay', async () => {
    open();
    await turn();
    await stage.crash();
    expect(stage.hosts).toHaveLength(1);
    jest.advanceTimersByTime(1_000);
    await turn();
    await begin(1);
    expect(stage.sequencesIn(1)).toEqual([1]);
    expect(stage.logs[0]).toMatch(/^ERROR the function's code ended between records, restarting it in 1000 ms: Python/);
  });

  test('fails the replica after five times in a row', async () => {
    open();
    await turn();
    for (let count = 1; count < 5; count++) await restart();
    expect(stage.broken).toEqual([]);
    await stage.crash(exit);
    expect(stage.broken).toEqual([exit]);
  });

  test('does not fail a replica whose records have outcomes between', async () => {
    open();
    for (let count = 1; count < 8; count++) {
      await begin(count);
      stage.loop.done(stage.idOf(count));
      await restart();
    }
    expect(stage.broken).toEqual([]);
  });

  test('fails the replica at once when it cannot be loaded again', async () => {
    open();
    await begin(1);
    stage.refusal = new ConfigError('config-invalid', 'no such module');
    await stage.crash();
    expect(stage.broken).toEqual([stage.refusal]);
  });
});

describe('a stop', () => {
  test('after a crash opens no host, and gives back what was in the old one', async () => {
    open();
    const answers = await begin(1, 2);
    const stopped = stage.loop.stop(60_000);
    await stage.crash();
    await stopped;
    expect([answers, stage.hosts.length]).toEqual([[['nak 0'], ['nak 0']], 1]);
  });

  test('while records run alone gives back those that wait', async () => {
    open();
    const answers = await begin(1, 2, 3);
    await stage.crash();
    const stopped = stage.loop.stop(60_000);
    expect(answers).toEqual([[], ['nak 0'], ['nak 0']]);
    stage.loop.done(stage.idOf(1));
    await stopped;
    expect([answers[0], stage.hostAt(1).host.isClosed]).toEqual([['ack'], true]);
  });

  test('kills a host whose records have not finished in time', async () => {
    open();
    await begin(1);
    await stage.loop.stop(0);
    expect(stage.host).toMatchObject({ isKilled: true, isClosed: false });
  });

  test('gives a record back only when the code that runs it has ended', async () => {
    open();
    const [answers] = await begin(1);
    let end: () => void = () => undefined;
    stage.host.gone = new Promise((resolve) => {
      end = resolve;
    });
    const stopped = stage.loop.stop(0);
    await turn();
    expect([stage.host.isKilled, answers]).toEqual([true, []]);
    end();
    await stopped;
    expect(answers).toEqual(['nak 0']);
  });
});

describe('a cautious loop', () => {
  /** Notes attempts in the order of the records' begin and end. */
  class Notes implements LoneAttempts {
    readonly order: string[] = [];
    constructor(private readonly earlier = 0) {}
    async begin({ sequence }: Delivery): Promise<number> {
      this.order.push(`begin ${sequence}`);
      return this.earlier;
    }
    end({ sequence }: Delivery): void {
      this.order.push(`end ${sequence}`);
    }
  }

  test('holds one record at a time', async () => {
    const { sources } = open({ caution: new Notes(), concurrency: 10 });
    await turn();
    expect(sources[0]?.demands.at(-1)?.messages).toBe(1);
  });

  test('notes each attempt of a redelivered record before it starts, and runs it alone', async () => {
    const notes = new Notes();
    open({ caution: notes });
    stage.sources[0]?.deliver(1, { deliveries: 2 });
    stage.sources[0]?.deliver(2, { deliveries: 2 });
    await turn();
    expect([notes.order, stage.sequencesIn(0)]).toEqual([['begin 1'], [1]]);
    stage.loop.done(stage.idOf(1));
    await turn();
    expect([notes.order, stage.sequencesIn(0)]).toEqual([
      ['begin 1', 'end 1', 'begin 2'],
      [1, 2],
    ]);
  });

  test('does not note new records', async () => {
    const notes = new Notes();
    open({ caution: notes });
    await begin(1);
    expect([notes.order, stage.sequencesIn(0)]).toEqual([[], [1]]);
  });

  test.each([
    [1, 1, false],
    [1, 2, true],
    [3, 2, false],
    [3, 3, true],
    [9, 2, false],
    [9, 3, true],
  ])(
    'with maxDeliver %i, a record whose attempts ended %i replicas: a dead letter is %s',
    async (maxDeliver, earlier, isDead) => {
      const notes = new Notes(earlier);
      const { publisher } = open({ caution: notes, spec: { maxDeliver } });
      const answers = await stage.begin(1, { deliveries: 2 });
      expect(stage.host.records).toHaveLength(isDead ? 0 : 1);
      if (!isDead) return;
      expect(publisher.sent[0]?.headers).toMatchObject({ 'Kflow-Reason': 'crashed' });
      publisher.store(0);
      expect([answers, notes.order]).toEqual([['ack'], ['begin 1', 'end 1']]);
    },
  );

  test('gives the record back when its attempt cannot be noted', async () => {
    const begin = () => Promise.reject(new Error('no nats'));
    open({ caution: { begin, end: () => undefined } });
    expect(await stage.begin(1, { deliveries: 2 })).toEqual(['nak 1000']);
    expect(stage.host.records).toEqual([]);
  });

  test('removes the note of a record that is given back', async () => {
    const notes = new Notes();
    open({ caution: notes });
    await stage.begin(1, { deliveries: 2 });
    stage.loop.released(stage.last);
    expect(notes.order).toEqual(['begin 1', 'end 1']);
  });

  test('is cautious until a new record comes after the leases of the replica before', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] });
    const { sources } = open({ caution: new Notes() });
    const last = () => sources[0]?.demands.at(-1)?.messages ?? 0;
    await begin(1);
    stage.loop.done(stage.last);
    await turn();
    expect(last()).toBe(1);
    jest.advanceTimersByTime(2 * map.ackWaitMs);
    await stage.begin(2, { deliveries: 2 });
    expect(last()).toBe(0);
    await begin(3);
    expect(last()).toBeGreaterThan(5);
    jest.useRealTimers();
  });
});
