import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import type { Failure, HostEvents } from '../../../runtime/engine/ports/host';
import type { Sink, SinkRecord, WriteOutcome } from '../../../runtime/engine/ports/sink';
import { SinkHost } from '../../../runtime/engine/sink-host';
import { waitFor } from '../../support/wait-for';
import { planOf, specOf } from '../plan/planned';

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
  heartbeat(): void {}
  log(): void {}
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

function open(batchSize: number, concurrentWrites: number) {
  const sink = new ManualSink(batchSize, concurrentWrites);
  const events = new Reports();
  const host = new SinkHost({ spec, events, sink, schemas: { schemaOf: async () => schema } });
  const process = (...numbers: number[]) =>
    host.process(
      numbers.map((n) => ({ id: n, payload: codec.encode({ n }) as Uint8Array, origin: { input: 0, sequence: n } })),
    );
  const writes = (count: number) => waitFor(`${count} writes`, () => sink.writes.length >= count);
  return { sink, events, host, process, writes };
}

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
