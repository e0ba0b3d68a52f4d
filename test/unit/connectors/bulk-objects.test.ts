import { StoreError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { connector } from '../../../runtime/connectors/s3-sink';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import type { Sink, SinkRecord } from '../../../runtime/engine/ports/sink';
import { sinkSpec } from '../../contract/connector-suite/sink-fixtures';
import { MemoryBulkLog, SharedBulks } from '../../support/memory-bulk-log';
import { MemoryObjectStore } from '../../support/memory-object-store';
import { written } from '../plan/planned';

const schema = new AvroSchemaCodec({ type: 'record', name: 'item', fields: [{ name: 'n', type: 'long' }] });
const other = new AvroSchemaCodec({ type: 'record', name: 'other', fields: [{ name: 'n', type: 'long' }] });
const bulk = { flushTimerMs: 1_000, flushSize: 1_000, flushBytes: 1_000_000 };
const spec = { ...sinkSpec(`type: s3-sink, topics: "s3a://bucket/out", ${written}`), bulk };
const inputsCreated = [new Date('2026-11-22T19:40:22.123Z'), new Date('2026-11-22T19:40:22.124Z')];

const record = (n: number, input = 0, codec = schema): SinkRecord => ({
  value: { n },
  schema: codec,
  json: () => JSON.stringify({ n }),
  origin: { input, sequence: n },
});
const records = (...numbers: number[]) => numbers.map((n) => record(n));
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** A bucket, the log that replicas share, and the stream, whose records anybody may read again. */
class Stage {
  readonly store = new MemoryObjectStore();
  readonly shared = new SharedBulks();
  readonly puts: string[] = [];
  /** Sequences that the stream does not have any more. */
  readonly gone = new Set<number>();
  /** Called before an object is stored. */
  beforePut: () => void = () => undefined;
  /** Called after an object is stored. */
  afterPut: () => void = () => undefined;

  async replica(changes: Partial<FunctionSpec> = {}): Promise<{ readonly sink: Sink; readonly log: MemoryBulkLog }> {
    const log = new MemoryBulkLog(this.shared, ['left', 'right']);
    const store: Pick<MemoryObjectStore, 'list' | 'put'> = {
      list: (...args) => this.store.list(...args),
      put: async (bucket, key, ...rest) => {
        this.beforePut();
        await this.store.put(bucket, key, ...rest);
        this.puts.push(key);
        this.afterPut();
      },
    };
    const sink = await connector.open({
      spec: { ...spec, ...changes },
      endpoint: { store, topics: 's3a://bucket/out' },
      inputsCreated,
      bulkLog: async () => log,
      readAgain: async ({ input, sequence }) => (this.gone.has(sequence) ? undefined : record(sequence, input)),
      log: () => undefined,
    });
    return { sink, log };
  }

  /** The numbers in each object, by the sequence in its key. */
  async contents(): Promise<{ readonly [key: string]: readonly number[] }> {
    const found: { [key: string]: readonly number[] } = {};
    for await (const { key } of this.store.list('bucket')) {
      const text = Buffer.from(await this.store.get('bucket', key)).toString();
      found[key.replace(/^out\/(\w+)-\w+-0*/, '$1 ')] = text
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { n: number }).n);
    }
    return found;
  }
}

let stage: Stage;
beforeEach(async () => {
  stage = new Stage();
  await stage.store.ensureBucket('bucket');
});

const outcomesOf = async (sink: Sink, batch: readonly SinkRecord[]) => (await sink.write(batch)).map(({ is }) => is);
const killed = new StoreError('store-failed', 'killed');
const kill = () => {
  throw killed;
};

test('writes a bulk as one object with a record on each line, named by its first sequence', async () => {
  const { sink } = await stage.replica();
  expect(await outcomesOf(sink, records(3, 1, 2))).toEqual(['stored', 'stored', 'stored']);
  const keys: string[] = [];
  for await (const { key } of stage.store.list('bucket')) keys.push(key);
  expect(keys).toEqual(['out/left-20261122T194022123Z-000000000001.jsonl']);
  expect(await stage.contents()).toEqual({ 'left 1.jsonl': [1, 2, 3] });
});

test('writes the records of each input and of each schema into objects of their own', async () => {
  const { sink } = await stage.replica();
  await sink.write([record(1), record(2, 0, other), record(1, 1), record(3)]);
  expect(await stage.contents()).toEqual({ 'left 1.jsonl': [1, 3], 'left 2.jsonl': [2], 'right 1.jsonl': [1] });
});

test('a replica that was killed before its object was stored leaves the bulk to the next, whatever that one holds', async () => {
  const first = await stage.replica();
  stage.beforePut = kill;
  expect(await outcomesOf(first.sink, records(...range(1, 10)))).toEqual(range(1, 10).map(() => 'later'));
  stage.beforePut = () => undefined;
  const { sink } = await stage.replica();
  expect(await outcomesOf(sink, records(9, 10, 11, 12))).toEqual(['stored', 'stored', 'stored', 'stored']);
  expect(await outcomesOf(sink, records(...range(1, 8)))).toEqual(range(1, 8).map(() => 'stored'));
  expect(await stage.contents()).toEqual({ 'left 1.jsonl': range(1, 10), 'left 11.jsonl': [11, 12] });
});

test('a replica that was killed before the log said that its object is stored repeats no record in another object', async () => {
  const first = await stage.replica();
  stage.afterPut = () => {
    first.log.failure = killed;
  };
  expect(await outcomesOf(first.sink, records(1, 2, 3))).toEqual(['later', 'later', 'later']);
  stage.afterPut = () => undefined;
  const { sink } = await stage.replica();
  expect(await outcomesOf(sink, records(2, 3, 4))).toEqual(['stored', 'stored', 'stored']);
  expect(await stage.contents()).toEqual({ 'left 1.jsonl': [1, 2, 3], 'left 4.jsonl': [4] });
});

test('a replica that was killed before the acks wrote its object for good', async () => {
  const first = await stage.replica();
  await first.sink.write(records(1, 2, 3));
  const { sink } = await stage.replica();
  expect(await outcomesOf(sink, records(3, 4))).toEqual(['stored', 'stored']);
  expect(stage.puts).toHaveLength(2);
  expect(await stage.contents()).toEqual({ 'left 1.jsonl': [1, 2, 3], 'left 4.jsonl': [4] });
});

test('two replicas that hold the same records write each of them once', async () => {
  const [one, another] = [await stage.replica(), await stage.replica()];
  const outcomes = await Promise.all([
    outcomesOf(one.sink, records(...range(1, 6))),
    outcomesOf(another.sink, records(...range(4, 9))),
  ]);
  expect(outcomes.flat()).toEqual(Array(12).fill('stored'));
  const found = Object.values(await stage.contents()).flat();
  expect([...found].sort((left, right) => left - right)).toEqual(range(1, 9));
});

test('a replica that was frozen over the redelivery of its records writes nothing of its own', async () => {
  const frozen = await stage.replica();
  const { sink } = await stage.replica();
  await sink.write(records(1, 2));
  expect(await outcomesOf(frozen.sink, records(1, 2, 3))).toEqual(['stored', 'stored', 'stored']);
  expect(await stage.contents()).toEqual({ 'left 1.jsonl': [1, 2], 'left 3.jsonl': [3] });
});

test('a store that fails, and a log that cannot be reached, decide about no record', async () => {
  const { sink, log } = await stage.replica();
  log.failure = new Error('no answer');
  expect(await outcomesOf(sink, records(1))).toEqual(['later']);
  log.failure = undefined;
  stage.store.failure = 'access-denied';
  expect(await outcomesOf(sink, records(1, 2))).toEqual(['later', 'later']);
  stage.store.failure = undefined;
  expect(await outcomesOf(sink, records(2, 3))).toEqual(['stored', 'stored']);
  expect(await stage.contents()).toEqual({ 'left 1.jsonl': [1, 2], 'left 3.jsonl': [3] });
});

test('a replay writes each object again, once, with the same records', async () => {
  await (await stage.replica()).sink.write(records(1, 2, 3, 4));
  const replay = await stage.replica({ epoch: 1 });
  await replay.sink.write(records(1, 2));
  await replay.sink.write(records(3, 4, 5));
  expect(stage.puts).toHaveLength(3);
  expect(await stage.contents()).toEqual({ 'left 1.jsonl': [1, 2, 3, 4], 'left 5.jsonl': [5] });
});

test('a replay leaves an object as it is when the stream has lost some of its records', async () => {
  await (await stage.replica()).sink.write(records(1, 2, 3, 4));
  for (const n of [1, 2]) stage.gone.add(n);
  const { sink } = await stage.replica({ epoch: 1 });
  expect(await outcomesOf(sink, records(3))).toEqual(['stored']);
  expect(await stage.contents()).toEqual({ 'left 1.jsonl': [1, 2, 3, 4] });
});

test('an unknown format is refused when the sink opens', async () => {
  await expect(stage.replica({ format: 'xml' })).rejects.toMatchObject({ code: 'setting-invalid' });
});
