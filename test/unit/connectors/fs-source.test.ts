import { StoreError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { connector } from '../../../runtime/connectors/fs-source';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import type { SourceRecord } from '../../../runtime/engine/ports/source';
import { MemoryListingNotes } from '../../support/memory-listing-notes';
import { MemoryObjectStore } from '../../support/memory-object-store';
import { planOf, specOf, written } from '../plan/planned';

const code = 'meta: { name: run, code: "def run(ctx, event): return None" }';
const spec = (changes: Partial<FunctionSpec> = {}): FunctionSpec => ({
  ...specOf(
    planOf(`
jobId: source
dag:
  - { id: source, type: fs-source, topics: "s3a://bucket/in", format: list, ${written}, out: [leaf] }
  - { id: leaf, type: raw, ${code} }
`),
    'source',
  ),
  mode: 'batch',
  ...changes,
});

let nowMs: number;
let store: MemoryObjectStore;
let notes: MemoryListingNotes;
let recentIds: readonly string[];
let logged: string[];
beforeEach(async () => {
  nowMs = 1_000;
  logged = [];
  store = new MemoryObjectStore(() => nowMs);
  await store.ensureBucket('bucket');
  notes = new MemoryListingNotes();
  recentIds = [];
});

interface Place {
  readonly topics?: string;
  readonly run?: number;
  readonly replica?: number;
}

function context(changes: Partial<FunctionSpec>, { topics = 's3a://bucket/in', run = 1, replica = 0 }: Place) {
  return {
    spec: spec(changes),
    endpoint: { store, topics },
    replica,
    run,
    listing: async () => notes,
    recentIds: async () => recentIds,
    position: () => Promise.reject(new Error('not a generator')),
    generate: () => Promise.reject(new Error('not a generator')),
    log: (level: string, text: string) => logged.push(`${level} ${text}`),
  };
}

async function open(changes: Partial<FunctionSpec> = {}, place: Place = {}) {
  return connector.open(context(changes, place));
}

async function emit(changes: Partial<FunctionSpec> = {}, place: Place = {}): Promise<readonly SourceRecord[]> {
  const source = await open(changes, place);
  const records: SourceRecord[] = [];
  for await (const slice of source.records(new AbortController().signal)) records.push(...slice);
  for (const { stored } of records) stored?.();
  await source.close();
  return records;
}

const put = (key: string, text = key) => store.put('bucket', key, Buffer.from(text));

test('emits an object again when it has changed, with another id', async () => {
  await put('in/a', 'one');
  const [first] = await emit();
  await put('in/a', 'two');
  const [second, ...others] = await emit();
  expect(others).toEqual([]);
  expect(second?.id).not.toBe(first?.id);
});

test('emits an object again when it was stored again with the same content, with another id', async () => {
  await put('in/a', 'same');
  const [first] = await emit();
  nowMs += 1;
  await put('in/a', 'same');
  const [second] = await emit();
  expect(second?.id).toEqual(expect.any(String));
  expect(second?.id).not.toBe(first?.id);
});

test('gives objects with the same content and time different ids', async () => {
  await put('in/a', 'same');
  await put('in/b', 'same');
  const ids = (await emit()).map(({ id }) => id);
  expect([ids.length, new Set(ids).size]).toEqual([2, 2]);
});

test('gives an object another id in each run, and with a checkpoint the same id in every run', async () => {
  await put('in/a');
  const distinctIds = async (checkpoint: boolean) => {
    const ids: (string | undefined)[] = [];
    for (const run of [1, 2]) {
      notes = new MemoryListingNotes();
      const [record] = await emit({ checkpoint }, { run });
      ids.push(record?.id);
    }
    return new Set(ids).size;
  };
  expect([await distinctIds(false), await distinctIds(true)]).toEqual([2, 1]);
});

test('side by side with a source of another replica count, both emit each object under the same id', async () => {
  for (let number = 0; number < 40; number++) await put(`in/${number}`);
  const sources = [
    { replicas: 1, replica: 0 },
    { replicas: 2, replica: 0 },
    { replicas: 2, replica: 1 },
  ];
  const emitted = await Promise.all(
    sources.map(async ({ replicas, replica }) => {
      const records: SourceRecord[] = [];
      const source = await open({ replicas }, { replica });
      for await (const slice of source.records(new AbortController().signal)) records.push(...slice);
      return records.map(({ id }) => id);
    }),
  );
  const [old = [], ...current] = emitted;
  expect(new Set(old).size).toBe(40);
  expect([...current.flat()].sort()).toEqual([...old].sort());
});

test('emits empty objects, and objects with a trailing slash, except the empty marker of a folder', async () => {
  await put('in/empty', '');
  await put('in/marker/', '');
  await put('in/slash/', 'text');
  const codec = new AvroSchemaCodec(spec().schema as object);
  const keys = (await emit()).map(({ payload }) => (codec.decode(payload) as { key: string }).key);
  expect(keys).toEqual(['in/empty', 'in/slash/']);
});

test('emits the object of the location itself, but not a folder marker or a neighbor with the same prefix', async () => {
  for (const key of ['in', 'in/', 'in/a/', 'in/a/b', 'inner']) await put(key, key.endsWith('/') ? '' : key);
  const codec = new AvroSchemaCodec(spec().schema as object);
  expect((await emit()).map(({ payload }) => codec.decode(payload))).toMatchObject([
    { url: 's3a://bucket/in', bucket: 'bucket', key: 'in' },
    { url: 's3a://bucket/in/a/b', bucket: 'bucket', key: 'in/a/b' },
  ]);
});

test('emits records in the declared schema', async () => {
  await put('in/a');
  const fields = [
    { name: 'key', type: 'string' },
    { name: 'lastModifiedUnixMilli', type: 'double' },
  ];
  const schema = { type: 'record', name: 'object', fields };
  const [record] = await emit({ schema });
  expect(new AvroSchemaCodec(schema).decode(record?.payload ?? Buffer.of())).toEqual({
    key: 'in/a',
    lastModifiedUnixMilli: expect.any(Number),
  });
});

test('rejects a declared schema that an s3list record does not fit', async () => {
  await put('in/a');
  const schema = { type: 'record', name: 'object', fields: [{ name: 'owner', type: 'string' }] };
  await expect(emit({ schema })).rejects.toMatchObject({
    code: 'schema-incompatible',
    message: expect.stringMatching(/^schema: does not fit an s3list record: owner: missing/),
  });
});

test('fails when it cannot note what it has emitted, so that a restart emits it again', async () => {
  const refusal = new StoreError('stream-failed', 'no such bucket');
  notes.failure = refusal;
  for (let n = 0; n < 1_100; n++) await put(`in/${n}`);
  const source = await open();
  const slices: (readonly SourceRecord[])[] = [];
  const reading = async () => {
    for await (const slice of source.records(new AbortController().signal)) {
      slices.push(slice);
      for (const { stored } of slice) stored?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await expect(reading()).rejects.toBe(refusal);
  expect(slices.flat()).toHaveLength(1_000);
  await expect(source.close()).rejects.toBe(refusal);
});

test('is closed once everything that it emitted is noted', async () => {
  const events: string[] = [];
  let save: () => void = () => undefined;
  const saved = new Promise<void>((resolve) => {
    save = resolve;
  });
  notes.save = () => saved.then(() => void events.push('noted'));
  await put('in/a');
  const emitted = emit().then(() => events.push('closed'));
  await new Promise((resolve) => setImmediate(resolve));
  save();
  await emitted;
  expect(events).toEqual(['noted', 'closed']);
});

test('rejects topics that name no bucket', async () => {
  await expect(open({}, { topics: 's3a://' })).rejects.toMatchObject({ code: 'setting-invalid' });
});

const keysAt = async (topics: string) => {
  notes = new MemoryListingNotes();
  const codec = new AvroSchemaCodec(spec().schema as object);
  return (await emit({}, { topics })).map(({ payload }) => (codec.decode(payload) as { key: string }).key);
};

test('emits the objects whose keys match a pattern', async () => {
  for (const key of ['a1.txt', 'sub/a1.txt', 'sub/b1.txt', 'sub/deep/a1.txt', 'sub/a*.txt']) await put(key);
  expect(await keysAt('s3a://bucket/*/a?.txt')).toEqual(['sub/a*.txt', 'sub/a1.txt']);
  expect(await keysAt('s3a://bucket/**/a\\*.txt')).toEqual(['sub/a*.txt']);
});

test('warns when a batch has no objects', async () => {
  await put('other/a');
  expect(await keysAt('s3a://bucket/in/*.txt')).toEqual([]);
  expect(logged).toEqual(['WARNING no objects found at s3a://bucket/in/*.txt: 0 records']);
});

test('does not warn when all objects of a batch belong to other replicas, or were listed before', async () => {
  await put('in/a');
  await emit();
  logged = [];
  expect(await emit()).toEqual([]);
  expect(logged).toEqual(['INFO found 1 objects at s3a://bucket/in']);
});

test('ends without an error when it is stopped while the store does not answer', async () => {
  const stop = new AbortController();
  const silent = {
    put: () => Promise.reject(new Error('not a sink')),
    async *list(_bucket: string, _prefix?: string, options?: { readonly signal?: AbortSignal }) {
      yield { key: 'in/a', size: 1, lastModifiedMs: 1, etag: '1' };
      await new Promise((_, reject) =>
        options?.signal?.addEventListener('abort', () => reject(options.signal?.reason)),
      );
    },
  };
  const source = await connector.open({ ...context({}, {}), endpoint: { store: silent, topics: 's3a://bucket/in' } });
  const slices: (readonly SourceRecord[])[] = [];
  const reading = (async () => {
    for await (const slice of source.records(stop.signal)) slices.push(slice);
  })();
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await reading;
  expect(slices.flat()).toEqual([]);
  expect(logged).toEqual([]);
});
