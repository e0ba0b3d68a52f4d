import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { connector } from '../../../runtime/connectors/raw-source';
import type { Generated } from '../../../runtime/engine/ports/host';
import type { SourceRecord } from '../../../runtime/engine/ports/source';
import { waitFor } from '../../support/wait-for';
import { planOf, specOf } from '../plan/planned';

const schema = '{"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}';
const code = 'meta: { name: run, code: "def run(ctx, event): return None" }';
const spec = specOf(
  planOf(`
jobId: source
dag:
  - { id: source, type: raw-source, schema: '${schema}', ${code}, out: [leaf] }
  - { id: leaf, type: raw, ${code} }
`),
  'source',
);

const payloads = (count: number) => Array.from({ length: count }, (_, n) => Buffer.from(String(n)));

type Slice = Omit<Generated, 'ended'>;

/** A source whose function returns these slices, the last of which ends it; the test decides when it returns a promise. */
async function open(
  slices: readonly (Slice | Promise<Slice>)[],
  { rate, start = 0, recentIds = [] }: { rate?: number; start?: number; recentIds?: readonly string[] },
) {
  const saved: number[] = [];
  const left = [...slices];
  const calls = { count: 0 };
  const given: FunctionSpec = { ...spec, ...(rate === undefined ? {} : { rate }) };
  const source = await connector.open({
    spec: given,
    endpoint: undefined,
    replica: 2,
    run: 3,
    listing: () => Promise.reject(new Error('no objects')),
    recentIds: async () => recentIds,
    position: async () => ({ start, save: (stored) => saved.push(stored) }),
    generate: async () => {
      calls.count++;
      const slice = await left.shift();
      return { payloads: [], isRepeatable: true, ...slice, ended: left.length === 0 };
    },
    log: () => undefined,
  });
  const stop = new AbortController();
  const read: SourceRecord[][] = [];
  /** Reads to the end; `onSlice` is called with each slice, and by default its records are stored at once. */
  const readAll = async (onSlice = (slice: readonly SourceRecord[]) => slice.forEach(store)) => {
    for await (const slice of source.records(stop.signal)) {
      read.push([...slice]);
      onSlice(slice);
    }
    return read;
  };
  return { source, read: readAll, slices: read, saved, stop, calls };
}

const store = (record: SourceRecord) => record.stored?.();
const list = (count: number): Slice => ({ payloads: payloads(count), isRepeatable: false });
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('gives every record of a list a new id, because the function cannot be replayed', async () => {
  const { source, read } = await open([list(2), list(2)], { start: 1 });
  const ids = (await read()).flat().map(({ id }) => id);
  await source.close();
  expect(new Set(ids).size).toBe(4);
  for (const [index, id] of ids.entries()) expect(id).toMatch(new RegExp(`^source:3:2:[0-9a-z]+:${index}$`));
});

test('identifies a record of a generator by run, replica and index, and skips those before the saved position', async () => {
  const { source, read } = await open([{ payloads: payloads(4), isRepeatable: true }], { start: 2 });
  expect((await read()).flat().map(({ id }) => id)).toEqual(['source:3:2:2', 'source:3:2:3']);
  await source.close();
});

test.each([
  ['none', [], []],
  ['the second', [3], []],
  ['the third and the first', [4, 2], [3]],
  ['the third, the second and the first', [4, 3, 2], [5]],
])(
  'saves the position of the first record that is not stored, after these are stored: %s',
  async (_, indexes, saved) => {
    const trial = await open([{ payloads: payloads(6), isRepeatable: true }], { start: 2 });
    const records = (await trial.read(() => undefined)).flat();
    for (const index of indexes) records[index - 2]?.stored?.();
    await trial.source.close();
    expect(trial.saved).toEqual(saved);
  },
);

test('skips records of a generator that are in the stream behind the saved position', async () => {
  const trial = await open([{ payloads: payloads(6), isRepeatable: true }], {
    start: 2,
    recentIds: ['source:3:2:1', 'source:3:2:3', 'source:3:2:2', 'source:3:1:4'],
  });
  expect((await trial.read()).flat().map(({ id }) => id)).toEqual(['source:3:2:4', 'source:3:2:5']);
  await trial.source.close();
  expect(trial.saved).toEqual([6]);
});

test('a record that does not fit keeps its place, and its index in a generator', async () => {
  const failure = { type: 'RecordError', message: 'n: missing' };
  const misfits = [
    { before: 1, failure, record: '{}' },
    { before: 2, failure, record: '[]' },
  ];
  const { source, read, saved } = await open([{ payloads: payloads(2), misfits, isRepeatable: true }], {});
  const records = (await read()).flat();
  await source.close();
  expect(records.map(({ id, payload, misfit }) => [id, String(payload), misfit])).toEqual([
    ['source:3:2:0', '0', undefined],
    ['source:3:2:1', '{}', failure],
    ['source:3:2:2', '1', undefined],
    ['source:3:2:3', '[]', failure],
  ]);
  expect(saved).toEqual([4]);
});

test('emits slices of at most 1,000 records', async () => {
  const { source, read } = await open([{ payloads: payloads(2_500), isRepeatable: true }], {});
  expect((await read()).map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
  await source.close();
});

test('emits the records of a tenth of a second at a time when it has a rate', async () => {
  const { source, read } = await open([{ payloads: payloads(25), isRepeatable: true }], { rate: 100 });
  expect((await read()).map(({ length }) => length)).toEqual([10, 10, 5]);
  await source.close();
});

test('calls a function that returns lists again only when every record of its last list is stored', async () => {
  const { source, read, slices, calls } = await open([list(2), list(1)], {});
  const reading = read(() => undefined);
  await waitFor('the first list is emitted', () => slices.length === 1);
  const [one, other] = slices[0] ?? [];
  other?.stored?.();
  await turn();
  expect(calls.count).toBe(1);
  one?.stored?.();
  await waitFor('the second list is emitted', () => slices.length === 2);
  expect(calls.count).toBe(2);
  slices[1]?.forEach(store);
  await reading;
  await source.close();
});

test('emits the rest of a list at once after the signal, without regard to the rate, and calls no more', async () => {
  const { source, read, slices, stop, calls } = await open([list(2_500), list(1)], { rate: 10 });
  const reading = read();
  await waitFor('the list has begun', () => slices.length > 0);
  stop.abort();
  await reading;
  expect([slices.flat().length, calls.count, source.unsaved?.()]).toEqual([2_500, 1, undefined]);
  await source.close();
});

test('emits the list that the function is returning at the signal', async () => {
  let giveBack: (slice: Slice) => void = () => undefined;
  const call = new Promise<Slice>((resolve) => {
    giveBack = resolve;
  });
  const { source, read, slices, stop, calls } = await open([call, list(1)], {});
  const reading = read();
  await waitFor('the function is called', () => calls.count === 1);
  stop.abort();
  await turn();
  expect(source.unsaved?.()?.text).toBe('the records of a call that has not returned');
  giveBack(list(3));
  await reading;
  expect([slices.flat().length, calls.count, source.unsaved?.()]).toEqual([3, 1, undefined]);
  await source.close();
});

test('reads a list that comes in several answers to its end after the signal', async () => {
  const { source, read, slices, stop } = await open([{ ...list(2), hasMore: true }, list(3), list(1)], {});
  await read((slice) => {
    stop.abort();
    slice.forEach(store);
  });
  expect(slices.map(({ length }) => length)).toEqual([2, 3]);
  await source.close();
});

test('counts the records of a list that are not stored', async () => {
  const { source, read, slices, stop } = await open([list(3), list(1)], {});
  const reading = read(() => stop.abort());
  await reading;
  expect(source.unsaved?.()).toEqual({ count: 3, text: '3 records' });
  slices[0]?.slice(1).forEach(store);
  expect(source.unsaved?.()).toEqual({ count: 1, text: '1 record' });
  await source.close();
});

test('neither waits for a generator after the signal nor emits the rest of its slice', async () => {
  const never = new Promise<Slice>(() => undefined);
  const first = { payloads: payloads(2_500), isRepeatable: true };
  const { source, read, slices, stop } = await open([{ payloads: [], isRepeatable: true }, first, never, first], {});
  await read(() => {
    if (slices.length === 3) stop.abort();
  });
  expect([slices.flat().length, source.unsaved?.()]).toEqual([2_500, undefined]);
  await source.close();
});
