import { StoreError } from '../../../lib/errors';
import { failure, map, noRoom, open, stage, turn } from './loop-stage';

describe('an ack', () => {
  test('follows the end of the function and the storage of every output', async () => {
    const { publisher, loop } = open();
    const answers = await stage.begin(1);
    stage.output(stage.last);
    stage.output(stage.last, 'odd');
    publisher.store(0);
    loop.done(stage.last);
    expect(answers).toEqual([]);
    publisher.store(1);
    expect(answers).toEqual(['ack']);
    expect(stage.counters).toMatchObject({ in: 1, out: 1, failed: 0, dead: 0 });
    expect(loop.idle).toBe(true);
  });

  test('waits for the end of the function when the outputs are stored first', async () => {
    const { publisher, loop } = open();
    const answers = await stage.begin(1);
    stage.output(stage.last);
    publisher.store(0);
    expect(answers).toEqual([]);
    loop.done(stage.last);
    expect(answers).toEqual(['ack']);
  });

  test('accepts an output that the stream had already', async () => {
    const { publisher, loop } = open();
    const answers = await stage.begin(1);
    stage.output(stage.last);
    loop.done(stage.last);
    publisher.store(0, { duplicate: true });
    expect(answers).toEqual(['ack']);
  });

  test('is sent once, whatever the host reports after it', async () => {
    const { loop } = open();
    const answers = await stage.begin(1);
    const id = stage.last;
    loop.done(id);
    loop.done(id);
    loop.failed(id, failure);
    loop.released(id);
    loop.heartbeat(id);
    stage.output(id);
    expect(answers).toEqual(['ack']);
    expect(stage.ids).toEqual([]);
  });
});

describe('an output', () => {
  test('has an id made of function, input stream, sequence and index, the same at each delivery', async () => {
    const { publisher, loop } = open();
    for (const deliveries of [1, 2]) {
      await stage.begin(7, { deliveries });
      stage.output(stage.last);
      stage.output(stage.last, 'odd');
      loop.failed(stage.last, failure);
      publisher.store(publisher.sent.length - 2);
      publisher.store(publisher.sent.length - 1);
    }
    expect(stage.ids).toEqual(['map:in-0:7:0', 'map:in-0:7:1', 'map:in-0:7:0', 'map:in-0:7:1']);
  });

  test('of a re-read has the epoch in its id', async () => {
    open({ spec: { epoch: 3 } });
    await stage.begin(7);
    stage.output(stage.last);
    expect(stage.ids).toEqual(['map@3:in-0:7:0']);
  });

  test('goes to the subject of the main output, or of the side output that the function names', async () => {
    const { publisher } = open();
    await stage.begin(1);
    for (const side of ['odd', '', 'even']) stage.output(stage.last, side);
    expect(publisher.sent.map(({ subject }) => subject)).toEqual([
      'kflow.default.loop.map.side.odd',
      'kflow.default.loop.map.out',
      'kflow.default.loop.map.side.even',
    ]);
  });

  test('without readers is counted and not published', async () => {
    open({ spec: { output: undefined } });
    const answers = await stage.begin(1);
    stage.output(stage.last);
    stage.loop.done(stage.last);
    expect([stage.ids, stage.counters.out, answers]).toEqual([[], 1, ['ack']]);
  });

  test('that an earlier delivery stored, beyond the dedupe window, is not published again', async () => {
    const asked: number[] = [];
    const publishedFor = async ({ sequence }: { sequence: number }) => {
      asked.push(sequence);
      return new Set([0]);
    };
    const { publisher, loop } = open({ ports: { origins: { publishedFor } } });
    const old = Date.now() - 119_000;
    const answers = await stage.begin(5, { deliveries: 2, timestampMs: old });
    stage.output(stage.last);
    stage.output(stage.last);
    loop.done(stage.last);
    expect(stage.ids).toEqual(['map:in-0:5:1']);
    publisher.store(0);
    expect(answers).toEqual(['ack']);
    await stage.begin(6, { deliveries: 1, timestampMs: old });
    await stage.begin(7, { deliveries: 2 });
    expect(asked).toEqual([5]);
  });
});

describe('the trace of a record', () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

  test('goes on in its outputs and side outputs, and the function gets it', async () => {
    const { publisher } = open();
    await stage.begin(1, { traceparent });
    stage.output(stage.last);
    stage.output(stage.last, 'even');
    expect(publisher.sent.map(({ headers }) => headers)).toEqual([{ traceparent }, { traceparent }]);
    expect(stage.host.records.map(({ trace }) => trace)).toEqual([{ traceparent }]);
  });

  test('begins with a record that has none, and is the same for all of its outputs at each delivery', async () => {
    const { publisher, loop } = open();
    await stage.begin(1);
    stage.output(stage.last);
    publisher.store(0);
    loop.failed(stage.last, failure);
    await stage.begin(1, { deliveries: 2 });
    stage.output(stage.last);
    await stage.begin(2);
    stage.output(stage.last);
    const [first, again, other] = publisher.sent.map(({ headers }) => headers?.traceparent);
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  test('goes on in its dead letter', async () => {
    const { publisher, loop } = open();
    await stage.begin(1, { traceparent, deliveries: 3 });
    loop.failed(stage.last, failure);
    expect(publisher.sent[0]?.headers?.traceparent).toBe(traceparent);
  });
});

test('a line that a function logs names the record that was processed, until it has ended', async () => {
  const { loop } = open();
  await stage.begin(3);
  loop.log('INFO', 'hello', stage.last);
  loop.log('INFO', 'nobody');
  loop.done(stage.last);
  loop.log('INFO', 'late', stage.last);
  expect(stage.logs).toEqual(['INFO hello', 'INFO nobody', 'INFO late']);
  expect(stage.loggedFor).toEqual(['in-0:3', undefined, undefined]);
});

describe('a failed record', () => {
  test.each([
    [1, 'nak 1000'],
    [2, 'nak 2000'],
  ])('is given back after delivery %d with backoff', async (deliveries, answer) => {
    const { loop } = open();
    const answers = await stage.begin(1, { deliveries });
    loop.failed(stage.last, failure);
    expect(answers).toEqual([answer]);
    expect(stage.counters).toMatchObject({ in: 0, failed: 1, dead: 0, lastFailure: 'ValueError: no' });
    expect(stage.logs).toEqual([
      `ERROR record in-0:1: attempt ${deliveries} of 3 failed, retrying in ${answer.slice(4)} ms: ValueError: no`,
    ]);
    expect(stage.loggedFor).toEqual(['in-0:1']);
    expect(loop.idle).toBe(true);
  });

  test('is acked after its last delivery, once its dead letter is stored', async () => {
    const { publisher, loop } = open();
    const payload = Buffer.from('c301000000000000000007', 'hex');
    const answers = await stage.begin(4, { deliveries: 3, payload });
    loop.failed(stage.last, failure);
    expect(answers).toEqual([]);
    expect(publisher.sent[0]).toMatchObject({
      subject: map.deadLetters.subject,
      id: 'dead:map:in-0:4',
      payload,
      headers: {
        'Kflow-Function': 'map',
        'Kflow-Origin-Stream': 'in-0',
        'Kflow-Origin-Sequence': '4',
        'Kflow-Deliveries': '3',
        'Kflow-Error-Type': 'ValueError',
        'Kflow-Error': 'no',
      },
    });
    publisher.store(0);
    expect(answers).toEqual(['ack']);
    expect(stage.counters).toMatchObject({ in: 0, failed: 1, dead: 1 });
  });

  test('is given back when its dead letter is refused', async () => {
    const { publisher, loop } = open();
    const answers = await stage.begin(1, { deliveries: 3 });
    loop.failed(stage.last, failure);
    publisher.refuse(0, noRoom);
    expect(answers).toEqual(['nak 1000']);
    expect(stage.counters.dead).toBe(0);
    expect(stage.logs).toEqual([
      'ERROR record in-0:1: attempt 3 of 3 failed, writing a dead letter: ValueError: no',
      'ERROR record in-0:1: dead letter not stored, retrying: no room',
    ]);
    expect(loop.idle).toBe(true);
  });

  test('with an acked AckException becomes a dead letter at the first delivery', async () => {
    const { publisher, loop } = open();
    const answers = await stage.begin(1);
    loop.failed(stage.last, { ...failure, ack: true });
    publisher.store(0);
    expect([stage.ids, answers]).toEqual([['dead:map:in-0:1'], ['ack']]);
  });

  test('with an error that no retry can fix becomes a dead letter at the first delivery', async () => {
    const { publisher, loop } = open();
    const answers = await stage.begin(1);
    loop.failed(stage.last, { ...failure, isFinal: true });
    publisher.store(0);
    expect([stage.ids, answers]).toEqual([['dead:map:in-0:1'], ['ack']]);
  });

  test('keeps its first error when an output fails, too', async () => {
    const { publisher, loop } = open();
    await stage.begin(1);
    stage.output(stage.last);
    loop.failed(stage.last, failure);
    publisher.refuse(0, noRoom);
    expect(stage.counters.lastFailure).toBe('ValueError: no');
  });

  test('has its stack trace in the log, and in its dead letter one line of printable characters', async () => {
    const { publisher, loop } = open();
    await stage.begin(1, { deliveries: 3 });
    loop.failed(stage.last, { ...failure, message: ' a\n b \u00e9\ud800', trace: 'at line 1' });
    expect(stage.logs).toEqual([expect.stringMatching(/\nat line 1$/)]);
    expect(publisher.sent[0]?.headers?.['Kflow-Error']).toBe('a b %C3%A9%EF%BF%BD');
  });

  test('has an error of at most 4,000 characters in its dead letter', async () => {
    const { publisher, loop } = open();
    await stage.begin(1, { deliveries: 3 });
    loop.failed(stage.last, { type: 't'.repeat(999), message: 'm'.repeat(9_999) });
    const { 'Kflow-Error-Type': type, 'Kflow-Error': message } = publisher.sent[0]?.headers ?? {};
    expect([type?.length, message?.length]).toEqual([200, 4_000]);
  });

  test('is reported in one line of about 1,000 characters, whatever its message is', async () => {
    const { loop } = open();
    await stage.begin(1);
    loop.failed(stage.last, { type: 'ValueError', message: 'a\n\tb'.padEnd(2_000_000, 'x') });
    expect(stage.counters.lastFailure).toMatch(/^ValueError: a bx{900,}… \(\d+ characters in all\)$/);
    expect(stage.logs.join().length).toBeLessThan(5_000);
  });

  test('waits for its outputs to be stored before it is given back', async () => {
    const { publisher, loop } = open();
    const answers = await stage.begin(1);
    stage.output(stage.last);
    loop.failed(stage.last, failure);
    expect(answers).toEqual([]);
    publisher.store(0);
    expect(answers).toEqual(['nak 1000']);
  });

  test('is one whose output was refused for good, or is too large', async () => {
    const { publisher, loop } = open();
    const refused = await stage.begin(1);
    stage.output(stage.last);
    loop.done(stage.last);
    publisher.refuse(0, noRoom);
    const large = await stage.begin(2);
    void loop.output(stage.last, Buffer.alloc(1_001), '');
    loop.done(stage.last);
    expect([refused, large]).toEqual([['nak 1000'], ['nak 1000']]);
    expect(stage.counters.lastFailure).toMatch(/output is 1001 bytes, limit is 1000/);
  });

  test('does not hold up its neighbors', async () => {
    const { loop, host } = open();
    const answers = [await stage.begin(1), await stage.begin(2)];
    const [first, second] = host.records.map(({ id }) => id);
    loop.failed(first ?? -1, failure);
    loop.done(second ?? -1);
    expect(answers).toEqual([['nak 1000'], ['ack']]);
  });

  test('is one whose message or claim cannot be read; its function never sees it', async () => {
    const cause = new StoreError('store-failed', 'the object is gone');
    open({ ports: { claims: { fetch: () => Promise.reject(cause) } } });
    const claim = Buffer.from('{"claim":{"bucket":"b","key":"k","bytes":3}}');
    const answers = [await stage.begin(1, { payload: claim }), await stage.begin(2, { payload: Buffer.from('?') })];
    expect(answers).toEqual([['nak 1000'], ['nak 1000']]);
    expect(stage.host.records).toEqual([]);
    expect(stage.counters.failed).toBe(2);
  });
});

describe('a redelivery', () => {
  test('of a held record starts nothing and receives the ack', async () => {
    const { loop, host } = open();
    const answers = [await stage.begin(1), await stage.begin(1, { deliveries: 2 })];
    expect(host.records).toHaveLength(1);
    loop.done(stage.last);
    expect(answers).toEqual([[], ['ack']]);
  });

  test('of a settled record is a new record', async () => {
    const { loop, host } = open();
    await stage.begin(1);
    loop.failed(stage.last, failure);
    await stage.begin(1, { deliveries: 2 });
    expect(host.records).toHaveLength(2);
  });

  test('with the same sequence in another input is another record', async () => {
    const { host, sources } = open({ inputs: 2 });
    for (const source of sources) source.deliver(1);
    await turn();
    expect(host.records.map(({ origin }) => origin)).toEqual([
      { input: 0, sequence: 1 },
      { input: 1, sequence: 1 },
    ]);
  });
});
