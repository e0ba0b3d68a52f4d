import { StoreError } from '../../../lib/errors';
import { SourceLetters } from '../../../runtime/engine/letters/source-letters';
import { OutputWriter } from '../../../runtime/engine/output-writer';
import type { LogLevel } from '../../../runtime/engine/ports/host';
import type { Lost, Source, SourceRecord } from '../../../runtime/engine/ports/source';
import { SourceLoop } from '../../../runtime/engine/source-loop';
import { ManualPublisher } from '../../support/engine-ports';
import { waitFor } from '../../support/wait-for';
import { planOf, specOf } from '../plan/planned';

const code = 'meta: { name: run, code: "def run(ctx, event): return event" }';
const schema = '{"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}';
const spec = specOf(
  planOf(`
jobId: source
dag:
  - { id: in, type: raw-source, schema: '${schema}', ${code}, out: [leaf] }
  - { id: leaf, type: raw, ${code} }
`),
  'in',
);

/** A publisher that is full when the test says so. */
class NarrowPublisher extends ManualPublisher {
  private resume: () => void = () => undefined;
  isFull = false;

  override room(): Promise<void> | undefined {
    return this.isFull ? new Promise<void>((resolve) => (this.resume = resolve)) : undefined;
  }

  makeRoom(): void {
    this.isFull = false;
    this.resume();
  }
}

/** A source that yields slices, and records what happens to them. */
class ScriptedSource implements Source {
  readonly events: string[] = [];

  constructor(
    private readonly slices: readonly (readonly string[])[],
    private readonly error?: Error,
  ) {}

  unsaved() {
    return this.left;
  }

  /** What the source says would be lost. */
  left: Lost | undefined;

  async *records(signal: AbortSignal): AsyncIterable<readonly SourceRecord[]> {
    for (const slice of this.slices) {
      if (signal.aborted) return;
      this.events.push(`read ${slice}`);
      yield slice.map((id) => ({ id, payload: Buffer.from(id), stored: () => this.events.push(`stored ${id}`) }));
    }
    if (this.error !== undefined) throw this.error;
  }

  async close(): Promise<void> {
    this.events.push('closed');
  }
}

const given = (isRead: boolean) => (isRead ? spec : { ...spec, output: undefined });

function start(source: Source, { publisher = new NarrowPublisher(), isRead = true, graceMs = 60_000 } = {}) {
  const logs: string[] = [];
  const log = (level: LogLevel, text: string) => void logs.push(`${level} ${text}`);
  const counters = { in: 0, out: 0, failed: 0, dead: 0 };
  const writer = new OutputWriter(publisher, { maxPayload: 100 });
  const letters = new SourceLetters(given(isRead), { publisher, replica: 'in-0', log });
  const stop = new AbortController();
  const noteLoss = async (message: string, { count }: Lost) => void logs.push(`noted ${count}: ${message}`);
  const loop = new SourceLoop({ spec: given(isRead), writer, letters, counters, log, noteLoss, graceMs });
  let isDone = false;
  const running = loop.run(source, stop.signal).finally(() => {
    isDone = true;
  });
  return { publisher, counters, stop, running, loop, logs, isDone: () => isDone };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('publishes every record with its id, and ends once all of them are stored', async () => {
  const source = new ScriptedSource([['a', 'b'], ['c']]);
  const { publisher, counters, running, isDone } = start(source);
  await waitFor('all are published', () => publisher.sent.length === 3);
  expect(publisher.sent.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  expect(new Set(publisher.sent.map(({ headers }) => headers?.traceparent?.split('-')[1])).size).toBe(3);
  publisher.store(2);
  publisher.store(0);
  await turn();
  expect(isDone()).toBe(false);
  publisher.store(1);
  await running;
  expect(source.events).toEqual(['read a,b', 'read c', 'stored c', 'stored a', 'stored b', 'closed']);
  expect(counters.out).toBe(3);
});

test('reads no further slice until there is room', async () => {
  const source = new ScriptedSource([['a'], ['b']]);
  const publisher = new NarrowPublisher();
  publisher.isFull = true;
  const { running } = start(source, { publisher });
  await waitFor('the first is published', () => publisher.sent.length === 1);
  await turn();
  expect(source.events).toEqual(['read a']);
  publisher.makeRoom();
  await waitFor('the second is published', () => publisher.sent.length === 2);
  publisher.store(0);
  publisher.store(1);
  await running;
});

test('writes a letter for a record that does not fit or is too large, and goes on', async () => {
  const misfit = { type: 'RecordError', message: 'n: missing' };
  const source: Source = {
    async *records() {
      yield [
        { id: 'a', payload: Buffer.from('{}'), misfit },
        { id: 'b', payload: Buffer.alloc(101) },
        { id: 'c', payload: Buffer.from('c') },
      ];
    },
    close: async () => undefined,
  };
  const { publisher, counters, running } = start(source);
  await waitFor('all are published', () => publisher.sent.length === 3);
  expect(publisher.sent.map(({ id, headers }) => [id, headers?.['Kflow-Reason']])).toEqual([
    ['dead:a', 'exception'],
    ['dead:b', 'too large'],
    ['c', undefined],
  ]);
  for (const index of [0, 1, 2]) publisher.store(index);
  await running;
  expect(counters).toMatchObject({
    in: 0,
    out: 1,
    failed: 2,
    dead: 2,
    lastFailure: expect.stringMatching(/limit is 100/),
  });
});

test('fails when a record cannot be stored, does not report it as stored, and closes the source', async () => {
  const source = new ScriptedSource([['a']]);
  const { publisher, running } = start(source);
  await waitFor('it is published', () => publisher.sent.length === 1);
  publisher.refuse(0, new StoreError('stream-failed', 'no room'));
  await expect(running).rejects.toThrow('no room');
  expect(source.events).toEqual(['read a', 'closed']);
});

test('stores the records in hand before it fails, and the first error counts', async () => {
  const source = new ScriptedSource([['a', 'b']], new Error('the function threw'));
  const { publisher, running, loop, isDone } = start(source);
  await waitFor('they are published', () => publisher.sent.length === 2);
  loop.fail(new Error('the host crashed'));
  publisher.store(0);
  await turn();
  expect(isDone()).toBe(false);
  publisher.store(1);
  await expect(running).rejects.toThrow('the function threw');
  expect(source.events).toEqual(['read a,b', 'stored a', 'stored b', 'closed']);
});

test('fails, and logs how many, when records that cannot be read again are not stored within the grace period', async () => {
  const source = new ScriptedSource([['a', 'b']]);
  source.left = { count: 2, text: '2 records' };
  const { publisher, stop, running, logs } = start(source, { graceMs: 1 });
  await waitFor('they are published', () => publisher.sent.length === 2);
  stop.abort();
  await expect(running).rejects.toMatchObject({ code: 'records-lost' });
  expect(logs).toEqual([
    expect.stringMatching(/^ERROR 2 records could not be stored within 0.001 s/),
    expect.stringMatching(/^noted 2: 2 records could not/),
  ]);
  expect(source.events).toEqual(['read a,b', 'closed']);
});

test('ends after the grace period although records are not stored, when they can be read again', async () => {
  const source = new ScriptedSource([['a', 'b']]);
  const { publisher, stop, running, logs } = start(source, { graceMs: 1 });
  await waitFor('they are published', () => publisher.sent.length === 2);
  stop.abort();
  await running;
  expect([logs, source.events]).toEqual([[], ['read a,b', 'closed']]);
});

test('fails when the source fails, and closes it', async () => {
  const source = new ScriptedSource([], new Error('the bucket is gone'));
  await expect(start(source).running).rejects.toThrow('the bucket is gone');
  expect(source.events).toEqual(['closed']);
});

test('stops at the signal, once every record read so far is stored', async () => {
  const source = new ScriptedSource([['a'], ['b']]);
  const publisher = new NarrowPublisher();
  publisher.isFull = true;
  const { stop, running, isDone } = start(source, { publisher });
  await waitFor('the first is published', () => publisher.sent.length === 1);
  stop.abort();
  publisher.makeRoom();
  await turn();
  expect(isDone()).toBe(false);
  publisher.store(0);
  await running;
  expect(publisher.sent).toHaveLength(1);
});

test('counts records without readers, and publishes none', async () => {
  const { publisher, counters, running } = start(new ScriptedSource([['a', 'b']]), { isRead: false });
  await running;
  expect([publisher.sent.length, counters.out]).toEqual([0, 2]);
});
