import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { connector } from '../../../runtime/connectors/raw-source';
import type { Generated } from '../../../runtime/engine/ports/host';
import type { SourceRecord } from '../../../runtime/engine/ports/source';
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

/** A source whose function returns these slices, the last of which ends it. */
async function open(
  slices: readonly Omit<Generated, 'ended'>[],
  { rate, start = 0 }: { rate?: number; start?: number },
) {
  const saved: number[] = [];
  const left = [...slices];
  const given: FunctionSpec = { ...spec, ...(rate === undefined ? {} : { rate }) };
  const source = await connector.open({
    spec: given,
    endpoint: undefined,
    replica: 2,
    run: 3,
    listed: () => Promise.reject(new Error('no objects')),
    position: async () => ({ start, save: (stored) => saved.push(stored) }),
    generate: async () => {
      const slice = left.shift();
      return { payloads: [], isRepeatable: true, ...slice, ended: left.length === 0 };
    },
    log: () => undefined,
  });
  const read = async () => {
    const read: SourceRecord[][] = [];
    for await (const slice of source.records(new AbortController().signal)) read.push([...slice]);
    return read;
  };
  return { source, read, saved };
}

test('gives every record of a list a new id, because the function cannot be replayed', async () => {
  const list = { payloads: payloads(2), isRepeatable: false };
  const { source, read } = await open([list, list], { start: 1 });
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
    const records = (await trial.read()).flat();
    for (const index of indexes) records[index - 2]?.stored?.();
    await trial.source.close();
    expect(trial.saved).toEqual(saved);
  },
);

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
