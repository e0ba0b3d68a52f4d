import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Random } from '../support/random';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Holder = { [key: string | number]: Json };

/** Parts that a mutation puts anywhere: valid and invalid types, names, defaults and attributes. */
const parts: readonly Json[] = [
  ...[
    null,
    true,
    1,
    0,
    -1,
    1.5,
    '',
    'int',
    'long',
    'string',
    'null',
    'R',
    'E',
    'ns.int',
    'a-b',
    '1a',
    '.x',
    'x.',
    'a..b',
  ],
  ...['record', 'enum', 'array', 'up', 'ignore', 'ÿ', 'Ā', '\ud800', 'decimal', 'date', 9007199254740992, -2147483649],
  ...[[], {}, ['null', 'int'], ['int', 'int'], [null], { type: { type: 'int' } }, { type: 'int' }],
  { type: 'array', items: 'int' },
  { type: 'map', values: 'R' },
  { type: 'enum', name: 'E', symbols: ['A'] },
  { type: 'fixed', name: 'F', size: 0 },
  { type: 'record', name: 'Z', fields: [] },
  { type: 'error', name: 'Err', fields: [] },
  { type: 'bytes', logicalType: 'decimal', precision: 3 },
];
const keys =
  'type name namespace fields symbols default size items values aliases order doc logicalType precision scale';

/** The schemas of the shared cases, as a stock to mutate. */
export function stockOfSchemas(): readonly Json[] {
  const files = ['schemas-valid', 'schemas-invalid', 'values', 'resolved'].map((file) =>
    readFileSync(path.join(__dirname, '../fixtures/avro', `${file}.json`), 'utf8'),
  );
  const cases = files.flatMap((text) => JSON.parse(text) as { readonly [key: string]: Json }[]);
  return cases
    .flatMap(({ schema, writer, reader }) => [schema, writer, reader])
    .filter((schema) => schema !== undefined && typeof schema === 'object');
}

/** A schema with one to three changes, most of which make it invalid, as JSON text of an object or a list. */
export function mutatedSchema(random: Random, stock: readonly Json[]): string {
  const root: Holder = { schema: structuredClone(random.oneOf(stock)) };
  for (let changes = random.upTo(3); changes > 0; changes--) {
    root.schema ??= null;
    const spots = spotsOf(root);
    mutate(random.oneOf(spots), random, spots);
  }
  const { schema } = root;
  return JSON.stringify(typeof schema === 'object' && schema !== null ? schema : [schema ?? null]);
}

type Spot = readonly [holder: Holder, key: string];

function spotsOf(holder: Holder): Spot[] {
  return Object.entries(holder).flatMap(([key, value]): Spot[] => [
    [holder, key],
    ...(typeof value === 'object' && value !== null ? spotsOf(value as Holder) : []),
  ]);
}

function mutate([holder, key]: Spot, random: Random, spots: readonly Spot[]): void {
  const part = structuredClone(random.oneOf(parts));
  const value = holder[key];
  switch (random.upTo(5)) {
    case 1:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      return;
    case 2:
      holder[key] = part;
      return;
    case 3:
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        value[random.oneOf(keys.split(' '))] = part;
      return;
    case 4: {
      const [other, at] = random.oneOf(spots);
      holder[key] = structuredClone(other[at] ?? null);
      return;
    }
    default:
      if (Array.isArray(holder)) holder.push(structuredClone(value ?? null));
  }
}
