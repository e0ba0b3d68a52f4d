import { FunctionError, StoreError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { DeadLetters } from '../../../runtime/engine/dead-letters';
import { OutputWriter } from '../../../runtime/engine/output-writer';
import { Preparation, type PreparationPorts } from '../../../runtime/engine/preparation';
import type { RecordObserver } from '../../../runtime/engine/processing-times';
import { RecordLoop } from '../../../runtime/engine/record-loop';
import { ManualHost, ManualPublisher, ManualSource } from '../../support/engine-ports';
import { planOf, specOf } from '../plan/planned';

const schema = '{"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}';
const code = 'meta: { name: run, maxDeliver: 3, code: "def run(ctx, event): return event" }';
const planned = planOf(`
jobId: loop
dag:
  - { id: in, type: raw-source, schema: '${schema}', ${code}, out: [map] }
  - id: map
    type: raw
    ${code}
    out: [leaf]
    sideOuts: [{ id: even, schema: '${schema}', out: [leaf] }, { id: odd, schema: '${schema}', out: [leaf] }]
  - { id: leaf, type: raw, ${code} }
`);
const map = specOf(planned, 'map');
const noRoom = new StoreError('stream-failed', 'no room');
const failure = { type: 'ValueError', message: 'no' };

interface Options {
  readonly spec?: Partial<FunctionSpec>;
  readonly ports?: Partial<PreparationPorts>;
  readonly concurrency?: number;
  readonly isLongRunning?: boolean;
  readonly inputs?: number;
  readonly observer?: RecordObserver;
}

let stage: Stage;

/** One record loop between ports that the test answers. */
class Stage {
  readonly publisher = new ManualPublisher();
  readonly sources: readonly ManualSource[];
  readonly host: ManualHost;
  readonly counters = { in: 0, out: 0, failed: 0, dead: 0, lastFailure: undefined as string | undefined };
  readonly logs: string[] = [];
  readonly crashes: Error[] = [];
  readonly spec: FunctionSpec;
  readonly loop: RecordLoop;

  constructor({ spec = {}, ports = {}, concurrency, isLongRunning = false, inputs = 1, observer }: Options = {}) {
    this.spec = { ...map, ...spec };
    this.host = new ManualHost(concurrency);
    this.sources = Array.from({ length: inputs }, (_, index) => new ManualSource(`in-${index}`));
    this.loop = new RecordLoop({
      spec: this.spec,
      inputs: this.sources,
      writer: new OutputWriter(this.publisher, { maxPayload: 1_000 }),
      preparation: new Preparation({
        claims: { fetch: async () => Buffer.from('c301') },
        dedupeWindowMs: 120_000,
        ...ports,
      }),
      deadLetters: new DeadLetters(this.spec, this.publisher),
      counters: this.counters,
      log: (level, text) => this.logs.push(`${level} ${text}`),
      isLongRunning,
      observer,
    });
    this.loop.start(this.host, (cause) => this.crashes.push(cause));
    stage = this;
  }

  get ids(): string[] {
    return this.publisher.sent.map(({ id }) => id);
  }

  /** Delivers a message and waits until it is in the host; returns its answers. */
  async begin(sequence: number, changes: Parameters<ManualSource['deliver']>[1] = {}): Promise<string[]> {
    const answers = this.sources[0]?.deliver(sequence, changes) ?? [];
    await turn();
    return answers;
  }

  /** Id of the last record in the host. */
  get last(): number {
    return this.host.records.at(-1)?.id ?? -1;
  }

  output(id: number, side = ''): void {
    void this.loop.output(id, Buffer.from('c301', 'hex'), side);
  }
}

/** Until what is scheduled has run: intake hands over in a later turn of the event loop. */
async function turn(): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve));
}

afterEach(() => stage.loop.stop(0));

describe('an ack', () => {
  test('follows the end of the function and the storage of every output', async () => {
    const { publisher, loop } = new Stage();
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
    const { publisher, loop } = new Stage();
    const answers = await stage.begin(1);
    stage.output(stage.last);
    publisher.store(0);
    expect(answers).toEqual([]);
    loop.done(stage.last);
    expect(answers).toEqual(['ack']);
  });

  test('accepts an output that the stream had already', async () => {
    const { publisher, loop } = new Stage();
    const answers = await stage.begin(1);
    stage.output(stage.last);
    loop.done(stage.last);
    publisher.store(0, { duplicate: true });
    expect(answers).toEqual(['ack']);
  });

  test('is sent once, whatever the host reports after it', async () => {
    const { loop } = new Stage();
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
    const { publisher, loop } = new Stage();
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
    new Stage({ spec: { epoch: 3 } });
    await stage.begin(7);
    stage.output(stage.last);
    expect(stage.ids).toEqual(['map@3:in-0:7:0']);
  });

  test('goes to the subject of the main output, or of the side output that the function names', async () => {
    const { publisher } = new Stage();
    await stage.begin(1);
    for (const side of ['odd', '', 'even']) stage.output(stage.last, side);
    expect(publisher.sent.map(({ subject }) => subject)).toEqual([
      'kflow.default.loop.map.side.odd',
      'kflow.default.loop.map.out',
      'kflow.default.loop.map.side.even',
    ]);
  });

  test('without readers is counted and not published', async () => {
    new Stage({ spec: { output: undefined } });
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
    const { publisher, loop } = new Stage({ ports: { origins: { publishedFor } } });
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

describe('a failed record', () => {
  test.each([
    [1, 'nak 1000'],
    [2, 'nak 2000'],
  ])('is given back after delivery %d with backoff', async (deliveries, answer) => {
    const { loop } = new Stage();
    const answers = await stage.begin(1, { deliveries });
    loop.failed(stage.last, failure);
    expect(answers).toEqual([answer]);
    expect(stage.counters).toMatchObject({ in: 0, failed: 1, dead: 0, lastFailure: 'ValueError: no' });
    expect(stage.logs).toEqual([
      `ERROR record in-0:1: attempt ${deliveries} of 3 failed, retrying in ${answer.slice(4)} ms: ValueError: no`,
    ]);
    expect(loop.idle).toBe(true);
  });

  test('is acked after its last delivery, once its dead letter is stored', async () => {
    const { publisher, loop } = new Stage();
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
    const { publisher, loop } = new Stage();
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
    const { publisher, loop } = new Stage();
    const answers = await stage.begin(1);
    loop.failed(stage.last, { ...failure, ack: true });
    publisher.store(0);
    expect([stage.ids, answers]).toEqual([['dead:map:in-0:1'], ['ack']]);
  });

  test('with an error that no retry can fix becomes a dead letter at the first delivery', async () => {
    const { publisher, loop } = new Stage();
    const answers = await stage.begin(1);
    loop.failed(stage.last, { ...failure, isFinal: true });
    publisher.store(0);
    expect([stage.ids, answers]).toEqual([['dead:map:in-0:1'], ['ack']]);
  });

  test('keeps its first error when an output fails, too', async () => {
    const { publisher, loop } = new Stage();
    await stage.begin(1);
    stage.output(stage.last);
    loop.failed(stage.last, failure);
    publisher.refuse(0, noRoom);
    expect(stage.counters.lastFailure).toBe('ValueError: no');
  });

  test('has its stack trace in the log, and in its dead letter one line of printable characters', async () => {
    const { publisher, loop } = new Stage();
    await stage.begin(1, { deliveries: 3 });
    loop.failed(stage.last, { ...failure, message: ' a\n b \u00e9\ud800', trace: 'at line 1' });
    expect(stage.logs).toEqual([expect.stringMatching(/\nat line 1$/)]);
    expect(publisher.sent[0]?.headers?.['Kflow-Error']).toBe('a b %C3%A9%EF%BF%BD');
  });

  test('has an error of at most 4,000 characters in its dead letter', async () => {
    const { publisher, loop } = new Stage();
    await stage.begin(1, { deliveries: 3 });
    loop.failed(stage.last, { type: 't'.repeat(999), message: 'm'.repeat(9_999) });
    const { 'Kflow-Error-Type': type, 'Kflow-Error': message } = publisher.sent[0]?.headers ?? {};
    expect([type?.length, message?.length]).toEqual([200, 4_000]);
  });

  test('waits for its outputs to be stored before it is given back', async () => {
    const { publisher, loop } = new Stage();
    const answers = await stage.begin(1);
    stage.output(stage.last);
    loop.failed(stage.last, failure);
    expect(answers).toEqual([]);
    publisher.store(0);
    expect(answers).toEqual(['nak 1000']);
  });

  test('is one whose output was refused for good, or is too large', async () => {
    const { publisher, loop } = new Stage();
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
    const { loop, host } = new Stage();
    const answers = [await stage.begin(1), await stage.begin(2)];
    const [first, second] = host.records.map(({ id }) => id);
    loop.failed(first ?? -1, failure);
    loop.done(second ?? -1);
    expect(answers).toEqual([['nak 1000'], ['ack']]);
  });

  test('is one whose message or claim cannot be read; its function never sees it', async () => {
    const cause = new StoreError('store-failed', 'the object is gone');
    new Stage({ ports: { claims: { fetch: () => Promise.reject(cause) } } });
    const claim = Buffer.from('{"claim":{"bucket":"b","key":"k","bytes":3}}');
    const answers = [await stage.begin(1, { payload: claim }), await stage.begin(2, { payload: Buffer.from('?') })];
    expect(answers).toEqual([['nak 1000'], ['nak 1000']]);
    expect(stage.host.records).toEqual([]);
    expect(stage.counters.failed).toBe(2);
  });
});

describe('a redelivery', () => {
  test('of a held record starts nothing and receives the ack', async () => {
    const { loop, host } = new Stage();
    const answers = [await stage.begin(1), await stage.begin(1, { deliveries: 2 })];
    expect(host.records).toHaveLength(1);
    loop.done(stage.last);
    expect(answers).toEqual([[], ['ack']]);
  });

  test('of a settled record is a new record', async () => {
    const { loop, host } = new Stage();
    await stage.begin(1);
    loop.failed(stage.last, failure);
    await stage.begin(1, { deliveries: 2 });
    expect(host.records).toHaveLength(2);
  });

  test('with the same sequence in another input is another record', async () => {
    const { host, sources } = new Stage({ inputs: 2 });
    for (const source of sources) source.deliver(1);
    await turn();
    expect(host.records.map(({ origin }) => origin)).toEqual([
      { input: 0, sequence: 1 },
      { input: 1, sequence: 1 },
    ]);
  });
});

describe('preparation', () => {
  test('hands over the payload of a message as it is', async () => {
    const payload = Buffer.from('c301000000000000000007', 'hex');
    const { host } = new Stage();
    await stage.begin(4, { payload });
    expect(host.records).toEqual([{ id: 0, payload, origin: { input: 0, sequence: 4 } }]);
  });

  test('exchanges a claim for its payload, and keeps the claim in the dead letter', async () => {
    const whole = Buffer.from('c3010000000000000000aa', 'hex');
    const { publisher, loop, host } = new Stage({ ports: { claims: { fetch: async () => whole } } });
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
    const { loop, host } = new Stage({ ports: { downloads } });
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
    const { loop, host } = new Stage({ ports: { downloads: { fetch, discard } } });
    const answers = await stage.begin(1);
    await loop.stop(0);
    finish(download);
    await turn();
    expect([answers, discarded, host.records]).toEqual([['nak 0'], [download], []]);
  });

  test('logs a download that cannot be deleted', async () => {
    const download = { path: '/tmp/a', metadata: {} };
    const discard = () => Promise.reject(new Error('EBUSY'));
    const { loop } = new Stage({ ports: { downloads: { fetch: async () => download, discard } } });
    await stage.begin(1);
    loop.done(stage.last);
    await turn();
    expect(stage.logs).toEqual(['WARNING record in-0:1: downloaded file not deleted: Error: EBUSY']);
  });

  const claimOf = (bytes: number) => Buffer.from(`{"claim":{"bucket":"b","key":"k","bytes":${bytes}}}`);

  test('fetches payloads of at most 32 MiB at a time, and the next once a record has ended', async () => {
    const { loop, host, sources } = new Stage();
    for (const sequence of [1, 2, 3]) sources[0]?.deliver(sequence, { payload: claimOf(16 * 1024 * 1024) });
    await turn();
    expect(host.records).toHaveLength(2);
    loop.done(stage.last);
    await turn();
    expect(host.records).toHaveLength(3);
  });

  test('fetches a payload above 32 MiB alone', async () => {
    const { loop, host, sources } = new Stage();
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
    const { sources } = new Stage({ ports: { claims: { fetch } } });
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
    const { host, sources } = new Stage({ ports: { claims: { fetch } } });
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
    new Stage({ ports: { downloads: { fetch, discard: async () => undefined } } });
    expect(await stage.begin(1)).toEqual(['nak 1000']);
  });
});

describe('demand', () => {
  test('shrinks by what is held, grows again when records end, and is never negative', async () => {
    const { sources, loop, host } = new Stage({ concurrency: 4 });
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

  test('is shared among the inputs', () => {
    const { sources } = new Stage({ concurrency: 4, inputs: 2 });
    expect(sources.map(({ demands }) => demands[0]?.messages)).toEqual([4, 4]);
  });

  test('counts payload bytes, claims by what they stand for', async () => {
    const { sources } = new Stage({ ports: { claims: { fetch: () => new Promise(() => undefined) } } });
    const before = sources[0]?.demands.at(-1)?.bytes ?? 0;
    await stage.begin(1, { payload: Buffer.from('{"claim":{"bucket":"b","key":"k","bytes":5000}}') });
    expect(sources[0]?.demands.at(-1)?.bytes).toBe(before - 5_000);
  });

  test('gets the bytes of a record back once it has ended', async () => {
    const { sources, loop } = new Stage();
    const before = sources[0]?.demands.at(-1)?.bytes;
    await stage.begin(1);
    expect(sources[0]?.demands.at(-1)?.bytes).toBe((before ?? 0) - 11);
    loop.done(stage.last);
    await turn();
    expect(sources[0]?.demands.at(-1)?.bytes).toBe(before);
  });

  test('ends with the stop', async () => {
    const { sources, loop } = new Stage();
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
    const { host } = new Stage({ concurrency: 1 });
    const answers = [await stage.begin(1), await stage.begin(2)];
    expect(host.records).toHaveLength(2);
    jest.advanceTimersByTime(2 * third);
    expect(answers).toEqual([
      ['working', 'working'],
      ['working', 'working'],
    ]);
  });

  test('of a record without a heartbeat end after max.poll.interval.ms; a late result still acks', async () => {
    const { loop, host } = new Stage({ spec: { maxPollIntervalMs: 30_000 }, concurrency: 1 });
    const running = await stage.begin(1);
    const waiting = await stage.begin(2);
    jest.advanceTimersByTime(third); // the host reaches the record
    jest.advanceTimersByTime(30_000 + third);
    expect(running).toContain('nak 0');
    expect(waiting).not.toContain('nak 0'); // given back when the host releases it
    expect(host.releases).toBeGreaterThan(0);
    loop.done(host.records[0]?.id ?? -1);
    expect(running.at(-1)).toBe('ack');
  });

  test('are renewed while a payload is fetched, and while outputs and dead letters are stored', async () => {
    const fetch = () => new Promise<Buffer>(() => undefined);
    const { loop } = new Stage({ ports: { claims: { fetch } } });
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
    const { loop } = new Stage();
    const answers = await stage.begin(1);
    loop.heartbeat(stage.last);
    expect(answers).toEqual(['working']);
  });

  test('of a record that was overdue run anew: it is not given back at each renewal', async () => {
    new Stage({ spec: { maxPollIntervalMs: 30_000 } });
    const answers = await stage.begin(1);
    jest.advanceTimersByTime(third);
    jest.advanceTimersByTime(30_000 + 2 * third);
    expect(answers.filter((answer) => answer === 'nak 0')).toHaveLength(1);
    expect(stage.logs).toEqual([
      'WARNING record in-0:1: no heartbeat within max.poll.interval.ms (30000), redelivering',
    ]);
  });

  test('last while heartbeats come', async () => {
    const { loop } = new Stage({ spec: { maxPollIntervalMs: 30_000 } });
    const answers = await stage.begin(1);
    for (let count = 0; count < 6; count++) {
      jest.advanceTimersByTime(20_000);
      loop.heartbeat(stage.last);
    }
    expect(answers).not.toContain('nak 0');
  });

  test('of long-running processing never end', async () => {
    new Stage({ spec: { maxPollIntervalMs: 30_000 }, isLongRunning: true });
    const answers = await stage.begin(1);
    jest.advanceTimersByTime(600_000);
    expect(new Set(answers)).toEqual(new Set(['working']));
  });

  test('end with the record', async () => {
    const { loop } = new Stage();
    const answers = await stage.begin(1);
    loop.done(stage.last);
    jest.advanceTimersByTime(10 * third);
    expect(answers).toEqual(['ack']);
  });
});

describe('a stop', () => {
  test('takes no more, lets running records finish, and gives back those that have not started', async () => {
    const { loop, host, sources } = new Stage();
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
    const { loop, publisher } = new Stage();
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
    const { loop } = new Stage();
    const answers = await stage.begin(1);
    await loop.stop(0);
    expect(answers).toEqual(['nak 0']);
    expect(loop.idle).toBe(true);
  });

  test('gives back what the host releases, without counting a failure', async () => {
    const { loop } = new Stage();
    const answers = await stage.begin(1);
    loop.released(stage.last);
    expect([answers, stage.counters.failed]).toEqual([['nak 0'], 0]);
  });
});

test('observes each attempt of the function once, with the time since its start', async () => {
  const observed: number[] = [];
  const { loop } = new Stage({ observer: { processed: (processingMs) => observed.push(processingMs) } });
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
  const { loop, publisher } = new Stage();
  await stage.begin(1);
  expect(loop.output(stage.last, Buffer.from('c301', 'hex'), '')).toBeUndefined();
  const room = Promise.resolve();
  publisher.room = () => room;
  expect(loop.output(stage.last, Buffer.from('c301', 'hex'), '')).toBe(room);
});

test('reports the death of the host', () => {
  const { loop, crashes } = new Stage();
  loop.crashed(new Error('killed'));
  expect(crashes).toEqual([new Error('killed')]);
});
