import type { FunctionSpec } from '../../../../lib/plan/function-spec';
import { AvroSchemaCodec } from '../../../../runtime/engine/avro-message';
import type { Failure, HostEvents } from '../../../../runtime/engine/ports/host';
import type { Sink, SinkRecord, WriteOutcome } from '../../../../runtime/engine/ports/sink';
import { SinkHost } from '../../../../runtime/engine/sinks/sink-host';
import { waitFor } from '../../../support/wait-for';
import { planOf, specOf } from '../../plan/planned';

const schema = { type: 'record', name: 'n', fields: [{ name: 'n', type: 'long' }] };
const codec = new AvroSchemaCodec(schema);
const spec = specOf(
  planOf(`
jobId: sink
dag:
  - { id: in, type: raw-source, schema: '${JSON.stringify(schema)}', meta: { name: f, code: "def f(ctx): return None" }, out: [out] }
  - { id: out, type: s3-sink, topics: "s3a://bucket", addr: "s3:1", user: u, password: p }
`),
  'out',
);

/** A sink whose writes the test ends. */
class ManualSink implements Sink {
  readonly writes: {
    readonly values: unknown[];
    readonly end: (outcomes: readonly WriteOutcome[]) => void;
    readonly fail: (error: Error) => void;
  }[] = [];
  isClosed = false;

  constructor(
    readonly batchSize: number,
    readonly concurrentWrites: number,
  ) {}

  write(records: readonly SinkRecord[]): Promise<readonly WriteOutcome[]> {
    return new Promise((end, fail) => {
      this.writes.push({ values: records.map(({ value }) => (value as { n: number }).n), end, fail });
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

/** What the host reports, in order. */
class Reports implements HostEvents {
  readonly all: string[] = [];
  readonly logged: string[] = [];
  began(id: number): void {
    this.all.push(`began ${id}`);
  }
  output(): undefined {}
  done(id: number): void {
    this.all.push(`done ${id}`);
  }
  failed(id: number, { message, isFinal }: Failure): void {
    this.all.push(`failed ${id}${isFinal === true ? ' for good' : ''}: ${message}`);
  }
  released(id: number): void {
    this.all.push(`released ${id}`);
  }
  waits(id: number): void {
    this.all.push(`waits ${id}`);
  }
  heartbeat(): void {}
  log(level: string, text: string): void {
    this.logged.push(`${level} ${text}`);
  }
  crashed(): void {}

  /** Without those that say that a record began. */
  get ends(): string[] {
    return this.all.filter((each) => !each.startsWith('began'));
  }
}

const stored: WriteOutcome = { is: 'stored' };
const failed = (message: string, isRetryable = true): WriteOutcome => ({
  is: 'failed',
  error: new Error(message),
  isRetryable,
});

const later = (message: string): WriteOutcome => ({ is: 'later', error: new Error(message) });

/** Settings of a bulk that no test fills or waits for, with changes. */
const bulk = { flushTimerMs: 600_000, flushSize: 1_000, flushBytes: 1_000_000 };

function open(batchSize: number, concurrentWrites: number, changes: Partial<FunctionSpec> = {}) {
  const sink = new ManualSink(batchSize, concurrentWrites);
  const events = new Reports();
  const host = new SinkHost({ spec: { ...spec, ...changes }, events, sink, schemas: { schemaOf: async () => schema } });
  hosts.push(host);
  const record = (n: number) => ({
    id: n,
    payload: codec.encode({ n }) as Uint8Array,
    origin: { input: 0, sequence: n },
  });
  const process = (...numbers: number[]) => host.process(numbers.map(record));
  const processAlone = (n: number) => host.process([{ ...record(n), isAlone: true }]);
  const writes = (count: number) => waitFor(`${count} writes`, () => sink.writes.length >= count);
  return { sink, events, host, process, processAlone, writes };
}

const hosts: SinkHost[] = [];
afterEach(() => Promise.all(hosts.splice(0).map((host) => host.kill())));

test('writes in batches, no more than it may at once, and reports what it works on', async () => {
  const { sink, events, host, process, writes } = open(2, 2);
  expect(host.concurrency).toBe(4);
  process(1, 2, 3, 4, 5, 6);
  await writes(2);
  expect(sink.writes.map(({ values }) => values)).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(events.all).toEqual(['began 1', 'began 2', 'began 3', 'began 4']);
  sink.writes[1]?.end([stored, stored]);
  await writes(3);
  expect(sink.writes[2]?.values).toEqual([5, 6]);
  expect(events.ends).toEqual(['done 3', 'done 4']);
});

test('does not wait for a batch to fill', async () => {
  const { sink, process, writes } = open(100, 1);
  process(1);
  await writes(1);
  expect(sink.writes[0]?.values).toEqual([1]);
});

test('settles each record with its own outcome', async () => {
  const { sink, events, process, writes } = open(4, 1);
  process(1, 2, 3, 4);
  await writes(1);
  sink.writes[0]?.end([stored, failed('busy'), failed('mapping', false)]);
  await waitFor('all ends', () => events.ends.length === 4);
  expect(events.ends).toEqual([
    'done 1',
    'failed 2: busy',
    'failed 3 for good: mapping',
    'failed 4: s3-sink reported no outcome',
  ]);
});

test('a write that throws fails each of its records, and the next batch is written', async () => {
  const { sink, events, process, writes } = open(2, 1);
  process(1, 2, 3);
  await writes(1);
  sink.writes[0]?.fail(new Error('connection reset'));
  await writes(2);
  expect(events.ends).toEqual(['failed 1: connection reset', 'failed 2: connection reset']);
});

test('a record that cannot be decoded fails alone', async () => {
  const { sink, events, host, process, writes } = open(2, 1);
  host.process([{ id: 9, payload: Buffer.from('c301', 'hex'), origin: { input: 0, sequence: 9 } }]);
  process(1);
  await writes(1);
  sink.writes[0]?.end([stored]);
  await waitFor('both ends', () => events.ends.length === 2);
  expect(events.ends.map((each) => each.slice(0, 8))).toEqual(['failed 9', 'done 1']);
});

test('gives back what is not being written, and closes the sink', async () => {
  const { sink, events, host, process, writes } = open(1, 1);
  process(1, 2, 3);
  await writes(1);
  host.release();
  expect(events.ends).toEqual(['released 2', 'released 3']);
  process(4);
  await host.close();
  expect(events.ends).toEqual(['released 2', 'released 3', 'released 4']);
  expect(sink.isClosed).toBe(true);
});

describe('records that the destination does not take now', () => {
  test('are written again, alone at first and before the others, and are neither failures nor released', async () => {
    const { sink, events, process, writes } = open(3, 1);
    process(1, 2, 3, 4);
    await writes(1);
    sink.writes[0]?.end([later('429'), stored, later('429')]);
    await writes(2);
    expect(sink.writes[1]?.values).toEqual([1, 3, 4]);
    sink.writes[1]?.end([stored, stored, stored]);
    await waitFor('all ends', () => events.ends.filter((each) => each.startsWith('done')).length === 4);
    expect(events.ends).toEqual(['done 2', 'waits 1', 'waits 3', 'done 1', 'done 3', 'done 4']);
    expect(events.logged).toEqual([
      expect.stringMatching(/^WARNING s3-sink: 2 of the records written wait, retrying in \d+ ms: 429$/),
      'INFO s3-sink: the destination takes records again',
    ]);
  });

  test('wait however often they are refused, and no other record is written meanwhile', async () => {
    const { sink, events, process, writes } = open(1, 1, { maxDeliver: 1 });
    process(1, 2);
    for (let attempt = 0; attempt < 4; attempt++) {
      await writes(attempt + 1);
      sink.writes[attempt]?.end([later('busy')]);
    }
    await writes(5);
    expect(sink.writes.map(({ values }) => values)).toEqual([[1], [1], [1], [1], [1]]);
    expect(events.ends).toEqual(['waits 1', 'waits 1', 'waits 1', 'waits 1']);
  });

  test('are given back by a stop', async () => {
    const { sink, events, host, process, writes } = open(2, 1);
    process(1, 2, 3);
    await writes(1);
    sink.writes[0]?.end([later('busy'), later('busy')]);
    await waitFor('both to wait', () => events.ends.length === 2);
    host.release();
    expect(events.ends).toEqual(['waits 1', 'waits 2', 'released 1', 'released 2', 'released 3']);
  });

  test('are given back when they were being written as the stop came', async () => {
    const { sink, events, host, process, writes } = open(1, 1);
    process(1);
    await writes(1);
    host.release();
    sink.writes[0]?.end([later('busy')]);
    await waitFor('the end', () => events.ends.length === 1);
    expect(events.ends).toEqual(['released 1']);
  });
});

describe('bulk mode', () => {
  test('waits for a full bulk, of the configured size', async () => {
    const { sink, process, writes, host } = open(1, 1, { bulk: { ...bulk, flushSize: 3 } });
    expect(host.concurrency).toBe(3);
    process(1, 2);
    expect(sink.writes).toEqual([]);
    process(3, 4);
    await writes(1);
    expect(sink.writes[0]?.values).toEqual([1, 2, 3]);
    sink.writes[0]?.end([stored, stored, stored]);
    process(5, 6);
    await writes(2);
    expect(sink.writes[1]?.values).toEqual([4, 5, 6]);
  });

  test('writes what there is when the time is over', async () => {
    const { sink, process, writes } = open(1, 1, { bulk: { ...bulk, flushTimerMs: 20 } });
    process(1, 2);
    await writes(1);
    expect(sink.writes[0]?.values).toEqual([1, 2]);
    sink.writes[0]?.end([stored, stored]);
    process(3);
    await writes(2);
    expect(sink.writes[1]?.values).toEqual([3]);
  });

  test('writes a bulk when it has the configured bytes, and no more of them unless one record has', async () => {
    const bytes = (codec.encode({ n: 1 }) as Uint8Array).length;
    const { sink, process, writes } = open(1, 1, { bulk: { ...bulk, flushBytes: 2 * bytes } });
    process(1);
    expect(sink.writes).toEqual([]);
    process(2, 3);
    await writes(1);
    expect(sink.writes[0]?.values).toEqual([1, 2]);
  });

  test('writes a record that has more bytes than a bulk', async () => {
    const { sink, process, writes } = open(1, 1, { bulk: { ...bulk, flushBytes: 1 } });
    process(1, 2);
    await writes(1);
    expect(sink.writes[0]?.values).toEqual([1]);
  });

  test('writes what waits when no more records come, and begins a record when it is written', async () => {
    const { sink, events, host, process, writes } = open(1, 1, { bulk });
    process(1, 2);
    expect(events.all).toEqual([]);
    host.flush();
    await writes(1);
    expect(sink.writes[0]?.values).toEqual([1, 2]);
    expect(events.all).toEqual(['began 1', 'began 2']);
  });

  test('writes a record that runs alone at once', async () => {
    const { sink, processAlone, writes } = open(1, 1, { bulk });
    processAlone(1);
    await writes(1);
    expect(sink.writes[0]?.values).toEqual([1]);
  });

  test('a stop writes what waits, and gives back what is not taken', async () => {
    const { sink, events, host, process, writes } = open(1, 1, { bulk: { ...bulk, flushSize: 2 } });
    process(1);
    host.release();
    await writes(1);
    expect(sink.writes[0]?.values).toEqual([1]);
    process(2, 3);
    sink.writes[0]?.end([later('busy')]);
    await waitFor('the ends', () => events.ends.length === 3);
    expect(events.ends).toEqual(['released 1', 'released 2', 'released 3']);
  });
});
