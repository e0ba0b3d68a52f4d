import { StoreError } from '../../../lib/errors';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import { parseClaim } from '../../../runtime/engine/claim';
import { OutputKeys } from '../../../runtime/engine/order/output-keys';
import { OutputWriter } from '../../../runtime/engine/output-writer';
import { ManualPublisher } from '../../support/engine-ports';
import { waitFor } from '../../support/wait-for';
import { planOf, specOf } from '../plan/planned';

const code = 'meta: { name: run, code: "def run(ctx, event): return event" }';
const schema = '{"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}';
const { output } = specOf(
  planOf(`
jobId: writer
dag:
  - { id: in, type: raw-source, schema: '${schema}', ${code}, out: [leaf] }
  - { id: leaf, type: raw, ${code} }
`),
  'in',
);
if (output === undefined) throw new Error('nobody reads the source');

/** A message store whose writes the test ends. */
class ManualStore {
  readonly keys: string[] = [];
  readonly ends: ((error?: Error) => void)[] = [];

  put(key: string, { length: bytes }: Uint8Array) {
    this.keys.push(key);
    return new Promise<{ bucket: string; key: string; bytes: number }>((resolve, reject) => {
      this.ends.push((error) => (error === undefined ? resolve({ bucket: 'b', key, bytes }) : reject(error)));
    });
  }
}

const MiB = 1024 * 1024;
let publisher: ManualPublisher;
let store: ManualStore;
let writer: OutputWriter;
let results: string[];

beforeEach(() => {
  publisher = new ManualPublisher();
  store = new ManualStore();
  writer = new OutputWriter(publisher, { maxPayload: 100, store, storePrefix: 'flow/in/' });
  results = [];
});

function write(id: string, bytes: number): void {
  writer.write(output as NonNullable<typeof output>, id, Buffer.alloc(bytes, 1), (error) => {
    results.push(`${id}: ${error?.message ?? 'stored'}`);
  });
}

test('publishes payloads up to the limit', () => {
  write('a', 100);
  expect(publisher.sent).toEqual([{ subject: output?.subject, id: 'a', payload: Buffer.alloc(100, 1) }]);
  publisher.store(0);
  expect(results).toEqual(['a: stored']);
});

test('stores a larger payload first, and publishes its claim', async () => {
  write('a', 101);
  expect([store.keys.length, publisher.sent.length]).toEqual([1, 0]);
  store.ends[0]?.();
  await waitFor('the claim', () => publisher.sent.length === 1);
  expect(parseClaim(publisher.sent[0]?.payload ?? Buffer.of())).toEqual({
    bucket: 'b',
    key: store.keys[0],
    bytes: 101,
  });
  expect(results).toEqual([]);
  publisher.store(0);
  expect(results).toEqual(['a: stored']);
});

test('derives the key from the id: the same output overwrites itself', () => {
  for (const id of ['a', 'b', 'a']) write(id, 101);
  const [first, second, third] = store.keys;
  expect(first).toMatch(/^flow\/in\/[0-9a-f]{64}$/);
  expect(third).toBe(first);
  expect(second).not.toBe(first);
});

test('settles with the error when the store or the stream fails', async () => {
  write('a', 101);
  store.ends[0]?.(new Error('the bucket is gone'));
  await waitFor('the first result', () => results.length === 1);
  write('b', 1);
  publisher.refuse(0, new StoreError('stream-failed', 'no room'));
  expect(results).toEqual(['a: Error: the bucket is gone', 'b: no room']);
});

test('makes producers wait while 48 MiB or more are being stored', async () => {
  write('a', 47 * MiB);
  expect(writer.room()).toBeUndefined();
  write('b', MiB);
  const room = writer.room();
  expect(room).toBeDefined();
  store.ends[0]?.();
  await room;
  expect(writer.room()).toBeUndefined();
});

describe('outputs with keys', () => {
  const keyed = { ...output, partitions: { count: 16, by: 'n' } };
  const written = new AvroSchemaCodec(schema);
  const recordOf = (n: number): Uint8Array => written.encode({ n }) ?? Buffer.of();
  let read: (schema: object) => void;

  beforeEach(() => {
    const found = new Promise<object>((resolve) => {
      read = resolve;
    });
    const keys = new OutputKeys({ schemaOf: () => found });
    writer = new OutputWriter(publisher, { maxPayload: 100, keys });
  });

  test('keep their order while the schema of the first one is read', async () => {
    const settle = (error?: Error) => results.push(error?.message ?? 'stored');
    for (const n of [5, 6, 5]) writer.write(keyed, `${n}`, recordOf(n), settle);
    expect(publisher.sent).toEqual([]);
    read(JSON.parse(schema));
    await waitFor('those of two keys are sent', () => publisher.sent.length === 2);
    writer.write(keyed, 'last', recordOf(5), settle);
    publisher.store(0);
    await waitFor('the next of the first key is sent', () => publisher.sent.length === 3);
    publisher.store(2);
    await waitFor('the last one is sent', () => publisher.sent.length === 4);
    expect(publisher.sent.map(({ id }) => id)).toEqual(['5', '6', '5', 'last']);
    const subjects = publisher.sent.map(({ subject }) => subject);
    expect(subjects[0]).toMatch(new RegExp(`^${output.subject}\\.\\d+$`));
    expect([subjects[2], subjects[3], results]).toEqual([subjects[0], subjects[0], ['stored', 'stored']]);
  });

  test('keep their order although one between them fails, whose schema nobody has', async () => {
    const codecOf = (name: string) => new AvroSchemaCodec({ ...JSON.parse(schema), name });
    const [known, slow, absent] = [codecOf('known'), codecOf('slow'), codecOf('absent')];
    let readSlow: () => void = () => undefined;
    const schemas = new Map<string, Promise<object>>([
      [known.fingerprint, Promise.resolve({ ...JSON.parse(schema), name: 'known' })],
      [slow.fingerprint, new Promise((resolve) => (readSlow = () => resolve({ ...JSON.parse(schema), name: 'slow' })))],
    ]);
    const schemaOf = (fingerprint: string) => schemas.get(fingerprint) ?? Promise.reject(new Error('no such schema'));
    writer = new OutputWriter(publisher, { maxPayload: 100, keys: new OutputKeys({ schemaOf }) });
    const writeWith = (id: string, codec: AvroSchemaCodec) => {
      const settle = (error?: Error) => results.push(`${id}: ${error?.message ?? 'stored'}`);
      writer.write(keyed, id, codec.encode({ n: 5 }) ?? Buffer.of(), settle);
    };
    writeWith('before', known);
    await waitFor('its schema is read', () => publisher.sent.length === 1);
    publisher.store(0);
    writeWith('first', slow);
    writeWith('between', absent);
    await new Promise((resolve) => setImmediate(resolve));
    writeWith('last', known);
    readSlow();
    await waitFor('the first is sent', () => publisher.sent.length > 1);
    publisher.store(1);
    await waitFor('the last is sent', () => publisher.sent.length === 3);
    expect(publisher.sent.map(({ id }) => id)).toEqual(['before', 'first', 'last']);
    expect(results).toContain('between: Error: no such schema');
  });

  test('fail when their record is not one', () => {
    writer.write(keyed, 'a', Buffer.from('no record'), (error) => results.push(String(error?.message)));
    expect(results).toEqual(['message is not an Avro single-object encoding']);
  });
});
