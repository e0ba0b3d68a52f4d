import type { FunctionSpec } from '../../../lib/plan/function-spec';
import type { ListedObject, ListOptions } from '../../../runtime/connectors/connector';
import { connector } from '../../../runtime/connectors/fs-source';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import type { SourceRecord } from '../../../runtime/engine/ports/source';
import { MemoryListingNotes } from '../../support/memory-listing-notes';
import { MemoryObjectStore } from '../../support/memory-object-store';
import { Random, seed } from '../../support/random';
import { planOf, specOf, written } from '../plan/planned';

const code = 'meta: { name: run, code: "def run(ctx, event): return None" }';
const spec: FunctionSpec = specOf(
  planOf(`
jobId: source
dag:
  - { id: source, type: fs-source, topics: "s3a://bucket/in", format: list, ${written}, out: [leaf] }
  - { id: leaf, type: raw, ${code} }
`),
  'source',
);
const codec = new AvroSchemaCodec(spec.schema as object);

/** A bucket that notes what is listed. */
class WatchedStore extends MemoryObjectStore {
  readonly present = new Map<string, ListedObject>();
  /** The keys listed, of every listing. */
  readonly listed: string[] = [];
  isOrdered = true;
  /** Keys that the store lists before it waits for ever. */
  keysBeforeSilence = Number.POSITIVE_INFINITY;
  private version = 0;
  isListed = (key: string, after: string) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0;

  add(key: string): void {
    this.present.set(key, { key, size: 1, lastModifiedMs: ++this.version, etag: 'etag' });
  }

  override async *list(
    _bucket: string,
    prefix = '',
    { startAfter, signal }: ListOptions = {},
  ): AsyncIterable<ListedObject> {
    const keys = [...this.present.keys()].filter((key) => key.startsWith(prefix));
    if (this.isOrdered) keys.sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
    let count = 0;
    for (const key of keys) {
      if (startAfter !== undefined && !this.isListed(key, startAfter)) continue;
      if (count++ === this.keysBeforeSilence) {
        await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      }
      this.listed.push(key);
      const object = this.present.get(key);
      if (object !== undefined) yield object;
    }
  }
}

let store: WatchedStore;
let values: Map<string, Uint8Array>;
/** The records in the stream, which keeps one for each id. */
let stream: Map<string, string>;
/** Ids of records that were emitted more than once. */
let repeated: string[];

beforeEach(() => {
  store = new WatchedStore();
  values = new Map();
  stream = new Map();
  repeated = [];
});

interface Start {
  readonly mode?: 'batch' | 'stream';
  readonly replica?: number;
  readonly replicas?: number;
  /** Ids in the stream that a start reads. */
  readonly recentIds?: readonly string[];
  /** The signal is aborted after this many records. */
  readonly stopAfter?: number;
  /** Whether a record of this number is stored. */
  readonly isStored?: (number: number) => boolean;
  /** Called with the number of records so far. */
  readonly onRecord?: (count: number) => void;
  /** The replica is killed: it saves nothing more. */
  readonly isKilled?: boolean;
}

async function start({
  mode = 'batch',
  replica = 0,
  replicas = 1,
  recentIds = [],
  stopAfter = Number.POSITIVE_INFINITY,
  isStored = () => true,
  isKilled = false,
  onRecord = () => undefined,
}: Start = {}): Promise<readonly string[]> {
  const source = await connector.open({
    spec: { ...spec, mode, replicas },
    endpoint: { store, topics: 's3a://bucket/in' },
    replica,
    run: 1,
    listing: async () => new MemoryListingNotes(values, { replica, replicas }),
    recentIds: async () => recentIds,
    position: () => Promise.reject(new Error('not a generator')),
    generate: () => Promise.reject(new Error('not a generator')),
    log: () => undefined,
  });
  const stop = new AbortController();
  const keys: string[] = [];
  const take = ({ id, payload, stored }: SourceRecord) => {
    const { key } = codec.decode(payload) as { key: string };
    if (isStored(keys.length)) {
      if (stream.has(id)) repeated.push(id);
      stream.set(id, key);
      stored?.();
    }
    keys.push(key);
    onRecord(keys.length);
    if (keys.length === stopAfter) stop.abort();
  };
  for await (const slice of source.records(stop.signal)) {
    for (const record of slice) take(record);
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (!isKilled) await source.close();
  return keys;
}

const keyOf = (number: number) => `in/${String(number).padStart(6, '0')}`;
const fill = (count: number) => {
  for (let number = 0; number < count; number++) store.add(keyOf(number));
};
const inStream = () => [...stream.values()].sort();
const inBucket = () => [...store.present.keys()].sort();

test('emits only what is new in a listing of thousands, whatever was added, changed and removed between', async () => {
  const random = new Random(seed);
  fill(5_000);
  await start();
  for (let round = 0; round < 6; round++) {
    stream.clear();
    const before = new Map(store.present);
    for (let change = 0; change < 300; change++) {
      const key = keyOf(random.upTo(5_200));
      if (random.upTo(3) === 1) store.present.delete(key);
      else store.add(random.upTo(2) === 1 ? key : `${key}/${random.upTo(1_000)}`);
    }
    if (round === 3) for (let number = 1_000; number < 4_000; number++) store.present.delete(keyOf(number));
    await start();
    const changed = [...store.present.values()].filter((object) => before.get(object.key) !== object);
    expect(inStream()).toEqual(changed.map(({ key }) => key).sort());
  }
  expect(await start()).toEqual([]);
});

test('keeps a note for each thousand objects, and none of stretches that are gone', async () => {
  fill(10_000);
  await start();
  expect(values.size).toBeGreaterThanOrEqual(10);
  expect(values.size).toBeLessThanOrEqual(12);
  for (const key of inBucket().slice(100)) store.present.delete(key);
  await start();
  expect(values.size).toBe(1);
});

test.each([
  ['during the listing', { keysBeforeSilence: 2_500 }, {}],
  ['when no record of the last slices is stored', {}, { isStored: (number: number) => number < 2_300 }],
  ['when some records are stored, in no order', {}, { isStored: (number: number) => number % 3 !== 0 }],
])('a kill %s loses nothing, and a start finds what is in the stream', async (_, silence, killed) => {
  fill(3_000);
  Object.assign(store, silence);
  await start({ ...killed, isKilled: true, ...('keysBeforeSilence' in silence ? { stopAfter: 2_000 } : {}) });
  store.keysBeforeSilence = Number.POSITIVE_INFINITY;
  expect(stream.size).toBeLessThan(3_000);
  await start({ recentIds: [...stream.keys()] });
  expect(inStream()).toEqual(inBucket());
  expect(repeated).toEqual([]);
});

test('notes what is stored of a stretch when it is stopped, so that a later start emits the rest', async () => {
  fill(900);
  await start({ stopAfter: 256, isStored: (number) => number < 200 });
  const rest = await start();
  expect(rest).toHaveLength(700);
  expect(repeated).toEqual([]);
});

test('replicas of another number emit nothing that those before have emitted, and take their notes over', async () => {
  fill(3_000);
  for (const replica of [0, 1]) await start({ replica, replicas: 2 });
  for (let number = 3_000; number < 3_100; number++) store.add(keyOf(number));
  for (const replica of [0, 1, 2]) await start({ replica, replicas: 3 });
  expect(inStream()).toEqual(inBucket());
  expect(repeated).toEqual([]);
  expect([...values.keys()].filter((key) => !key.startsWith('listed.3.'))).toEqual([]);
  for (const replica of [0, 1, 2]) expect(await start({ replica, replicas: 3 })).toEqual([]);
});

test('a store that does not order its keys is listed as a whole, and nothing is emitted twice', async () => {
  store.isOrdered = false;
  for (let number = 0; number < 3_000; number++) store.add(keyOf((number * 1_009) % 3_000));
  await start();
  expect(inStream()).toEqual(inBucket());
  store.add(keyOf(5_000));
  expect(await start()).toEqual([keyOf(5_000)]);
  expect(repeated).toEqual([]);
});

test.each([
  ['keeps to the protocol', (key: string, after: string) => key > after],
  ['begins with the key that it is to begin behind', (key: string, after: string) => key >= after],
  ['lists everything, whatever it is to begin behind', () => true],
])('a source that watches a store that %s finds what is added, and repeats nothing', async (_, isListed) => {
  fill(24_000);
  store.isListed = isListed;
  const added = [`${keyOf(11_500)}-added`, `${keyOf(23_999)}-added`];
  let firstListing = 0;
  const onRecord = (count: number) => {
    if (count < 24_000) return;
    if (count === 24_000) firstListing = store.listed.length;
    for (const key of added) if (!store.present.has(key)) store.add(key);
  };
  await start({ mode: 'stream', stopAfter: 24_002, onRecord });
  expect(inStream()).toEqual(inBucket());
  expect(repeated).toEqual([]);
  expect(firstListing).toBe(24_000);
});

test('keys of any alphabet are in the order of their bytes', async () => {
  const alphabets = ['\u{10000}', '￼', 'é', 'z', '\u{1F600}x', '퟿'];
  for (let number = 0; number < 1_200; number++) store.add(`in/${alphabets[number % 6]}${number}`);
  await start();
  store.add('in/￼new');
  expect(await start()).toEqual(['in/￼new']);
  expect(inStream()).toEqual(inBucket());
});
