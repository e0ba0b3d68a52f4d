import type { BulkItem } from '../../../runtime/connectors/connector';
import { connector } from '../../../runtime/connectors/elastic-sink';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import type { SinkRecord, WriteOutcome } from '../../../runtime/engine/ports/sink';
import { noBulks, sinkSpec } from '../../contract/connector-suite/sink-fixtures';
import { MemorySearchServer } from '../../support/memory-search-server';

const spec = sinkSpec('type: elastic-sink, topics: items, addr: "search:9200"');
const inputsCreated = [new Date('2026-11-22T19:40:22.123Z'), new Date('2026-11-22T19:40:22.124Z')];

let server: MemorySearchServer;
beforeEach(() => {
  server = new MemorySearchServer();
});

const schema = new AvroSchemaCodec({ type: 'record', name: 'item', fields: [] });
const record = (n: number, text = ''): SinkRecord => ({
  value: { n, text },
  schema,
  json: () => JSON.stringify({ n, text }),
  origin: { input: 0, sequence: n },
});
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

async function open() {
  return connector.open({
    spec,
    endpoint: { server, topics: 'items' },
    inputsCreated,
    ...noBulks,
    log: () => undefined,
  });
}

/** Writes the records, and returns a word for each outcome. */
async function write(records: readonly SinkRecord[]): Promise<readonly string[]> {
  return (await (await open()).write(records)).map(wordOf);
}

function wordOf(outcome: WriteOutcome): string {
  if (outcome.is !== 'failed') return outcome.is;
  return outcome.isRetryable ? 'failed' : 'letter';
}

const numbersIn = (documents: ReadonlyMap<string, string>) =>
  [...documents.values()]
    .map((document) => (JSON.parse(document) as { n: number }).n)
    .sort((one, other) => one - other);

test('names a document by stream, creation time of the stream and sequence', async () => {
  await write([record(42)]);
  expect([...server.documents('items').keys()]).toEqual(['kflow_default_contract_left:20261122T194022123Z:42']);
});

const answers: readonly [BulkItem, string][] = [
  [{ status: 200 }, 'stored'],
  [{ status: 201 }, 'stored'],
  [{ status: 409, type: 'version_conflict_engine_exception' }, 'stored'],
  [{ status: 429, type: 'rejected_execution_exception' }, 'later'],
  [{ status: 403, type: 'cluster_block_exception', reason: 'disk usage exceeded flood-stage watermark' }, 'later'],
  [{ status: 500, type: 'es_rejected_execution_exception' }, 'later'],
  [{ status: 503, type: 'unavailable_shards_exception' }, 'later'],
  [{ status: 408 }, 'later'],
  [{ status: 400, type: 'mapper_parsing_exception' }, 'letter'],
  [{ status: 404, type: 'index_not_found_exception' }, 'letter'],
  [{ status: 403, type: 'security_exception' }, 'failed'],
  [{ status: 500, type: 'null_pointer_exception' }, 'failed'],
];

test.each(answers)('an item answered with %j is %s, and its neighbors are stored', async (answer, word) => {
  server.item = (document) => (document.includes('"n":2,') ? answer : undefined);
  expect(await write([record(1), record(2), record(3)])).toEqual(['stored', word, 'stored']);
});

test('the error of a letter names the index, the type and the reason', async () => {
  server.item = () => ({ status: 400, type: 'mapper_parsing_exception', reason: 'failed to parse field [n]' });
  const [outcome] = await (await open()).write([record(1)]);
  const message = 'http://memory:9200, index items: 400 mapper_parsing_exception: failed to parse field [n]';
  expect(outcome).toMatchObject({ error: { code: 'record-invalid', message } });
});

test.each([
  [{ is: 'lost', reason: 'socket hang up' } as const, 'http://memory:9200: socket hang up'],
  [{ is: 'refused', status: 503, reason: 'no master' } as const, 'http://memory:9200: 503 no master'],
  [{ is: 'refused', status: 429, reason: 'busy' } as const, 'http://memory:9200: 429 busy'],
  [
    { is: 'refused', status: 401, reason: 'missing credentials' } as const,
    'http://memory:9200: 401 missing credentials; check user and password',
  ],
])('a request that fails as a whole decides about no record: %j', async (answer, message) => {
  server.answer = () => answer;
  const outcomes = await (await open()).write([record(1), record(2)]);
  expect(outcomes).toEqual([1, 2].map(() => ({ is: 'later', error: expect.objectContaining({ message }) })));
});

test('an answer without some of the items stores the others again', async () => {
  server.answer = () => ({ is: 'items', items: [{ status: 201 }] });
  expect(await write([record(1), record(2)])).toEqual(['stored', 'later']);
});

describe('a server that takes requests of 1,000 bytes', () => {
  beforeEach(() => {
    server.answer = (lines) =>
      Buffer.byteLength(lines) > 1_000 ? { is: 'refused', status: 413, reason: 'too large' } : undefined;
  });

  test('stores every record of a larger batch, in halves', async () => {
    const records = range(1, 41).map((n) => record(n));
    expect(await write(records)).toEqual(records.map(() => 'stored'));
    expect(numbersIn(server.documents('items'))).toEqual(range(1, 41));
  });

  test('gets no larger requests once it has refused one', async () => {
    const sink = await open();
    await sink.write(range(1, 41).map((n) => record(n)));
    server.requests.length = 0;
    await sink.write(range(41, 81).map((n) => record(n)));
    expect(Math.max(...server.requests)).toBeLessThanOrEqual(2_000);
    expect(numbersIn(server.documents('items'))).toEqual(range(1, 81));
  });

  test('refuses a single record that is larger, and stores its neighbors', async () => {
    const sink = await open();
    const outcomes = await sink.write([record(1), record(2, 'x'.repeat(2_000)), record(3)]);
    expect(outcomes.map(wordOf)).toEqual(['stored', 'letter', 'stored']);
    expect(outcomes[1]).toMatchObject({ error: { code: 'payload-too-large' } });
  });
});

test('a request that cannot be read is sent in halves, so that one record is a letter and its neighbors are not', async () => {
  server.answer = (lines) =>
    lines.includes('"n":3,') ? { is: 'refused', status: 400, reason: 'illegal argument' } : undefined;
  expect(await write(range(1, 6).map((n) => record(n)))).toEqual(['stored', 'stored', 'letter', 'stored', 'stored']);
});

test('sends no further request of a batch to a server that takes nothing', async () => {
  server.answer = () => ({ is: 'lost', reason: 'gone' });
  const large = 'x'.repeat(6 * 1024 * 1024);
  expect(await write([record(1, large), record(2, large), record(3, large)])).toEqual(['later', 'later', 'later']);
  expect(server.requests).toHaveLength(1);
});
