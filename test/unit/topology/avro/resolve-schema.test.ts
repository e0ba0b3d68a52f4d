import type { AvroSchema } from '../../../../lib/topology/avro/avro-type';
import { schemaConflicts } from '../../../../lib/topology/avro/resolve-schema';

function record(fields: { readonly [name: string]: unknown }, name = 'r'): AvroSchema {
  const list = Object.entries(fields).map(([field, type]) => ({ name: field, type }));
  return { type: 'record', name, fields: list };
}

function conflictsOf(writer: unknown, reader: unknown): readonly string[] {
  const conflicts = schemaConflicts(record({ x: writer }, 'writer'), record({ x: reader }, 'reader'));
  return conflicts.map(({ path, message }) => `${path}: ${message}`);
}

const fixed = (name: string, size: number) => ({ type: 'fixed', name, size });
const symbols = (name: string, list: readonly string[], more = {}) => ({ type: 'enum', name, symbols: list, ...more });

describe('compatible schemas', () => {
  test.each([
    ['int', 'long'],
    ['int', 'float'],
    ['int', 'double'],
    ['long', 'float'],
    ['long', 'double'],
    ['float', 'double'],
    ['string', 'bytes'],
    ['bytes', 'string'],
    ['string', ['null', 'string']],
    ['int', ['null', 'long']],
    [
      ['null', 'int'],
      ['string', 'null', 'double'],
    ],
    [['string'], 'string'],
    [
      { type: 'array', items: 'int' },
      { type: 'array', items: 'long' },
    ],
    [
      { type: 'map', values: 'int' },
      { type: 'map', values: ['null', 'int'] },
    ],
    [symbols('a', ['A']), symbols('b', ['A', 'B'])],
    [symbols('a', ['A', 'C']), symbols('b', ['A', 'B'], { default: 'B' })],
    [fixed('a', 4), fixed('b', 4)],
    [record({ y: 'int', z: 'string' }, 'inner'), record({ y: 'long' }, 'other')],
    [{ type: 'string', logicalType: 'uuid' }, 'string'],
  ])('may have %j in the writer and %j in the reader', (writer, reader) => {
    expect(conflictsOf(writer, reader)).toEqual([]);
  });

  test('may have fields that the reader omits, fills from a default, or reads by an alias', () => {
    const writer = record({ a: 'int', old: 'string' });
    const reader: AvroSchema = {
      type: 'record',
      name: 'r',
      fields: [
        { name: 'fresh', type: 'string', aliases: ['old'] },
        { name: 'more', type: ['null', 'string'], default: null },
      ],
    };
    expect(schemaConflicts(writer, reader)).toEqual([]);
  });

  test('may be recursive', () => {
    const list = (name: string, value: string): AvroSchema => record({ value, next: ['null', name] }, name);
    expect(schemaConflicts(list('a', 'int'), list('b', 'long'))).toEqual([]);
    expect(schemaConflicts(list('a', 'long'), list('b', 'int'))).toEqual([
      { path: 'value', message: 'the writer has long, the reader int' },
    ]);
  });
});

describe('incompatible schemas', () => {
  test.each([
    ['long', 'int', 'x: the writer has long, the reader int'],
    ['double', 'float', 'x: the writer has double, the reader float'],
    ['string', 'long', 'x: the writer has string, the reader long'],
    [['null', 'string'], 'string', 'x: the writer has null or string, the reader string, which cannot read null'],
    ['boolean', ['null', 'string'], 'x: the writer has boolean, the reader null or string'],
    ['string', { type: 'array', items: 'string' }, 'x: the writer has string, the reader array of string'],
    [{ type: 'array', items: 'long' }, { type: 'array', items: 'int' }, 'x[]: the writer has long, the reader int'],
    [{ type: 'map', values: 'string' }, { type: 'map', values: 'int' }, 'x{}: the writer has string, the reader int'],
    [fixed('a', 4), fixed('b', 8), 'x: the writer has fixed of 4 bytes, the reader fixed of 8 bytes'],
    [
      symbols('a', ['A', 'C']),
      symbols('b', ['A']),
      "x: the writer's enum has C, which the reader's lacks without a default",
    ],
    [record({ y: 'string' }, 'i'), record({ y: 'int' }, 'o'), 'x.y: the writer has string, the reader int'],
    [
      record({ y: 'string' }, 'i'),
      ['null', record({ z: 'int' }, 'o')],
      'x.z: the writer has no such field, and the reader has no default',
    ],
  ])('have %j in the writer and %j in the reader', (writer, reader, message) => {
    expect(conflictsOf(writer, reader)).toEqual([message]);
  });

  test('have a conflict for each field', () => {
    const writer = record({ a: 'string', b: 'long' });
    const reader = record({ a: 'int', b: 'int', c: 'string' });
    expect(schemaConflicts(writer, reader).map(({ path }) => path)).toEqual(['a', 'b', 'c']);
  });
});
